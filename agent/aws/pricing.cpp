#include "aws/pricing.hpp"

#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "aws/json.hpp"

namespace mlops::aws {
namespace {

using Terms = std::vector<std::pair<const char*, std::string>>;

// The price of one dimension of one product's JSON text: the first that is not 0, as free tiers are listed
// beside.
std::optional<double> price_in(const std::string& product) {
  const Value value = parse_json(product, "the price list");
  const Value* terms = member_at(value, {"terms", "OnDemand"});
  if (!terms || !terms->is_object()) return {};
  for (const Value::Member& term : terms->as_object()) {
    const Value* dimensions = term.value.find("priceDimensions");
    if (!dimensions || !dimensions->is_object()) continue;
    for (const Value::Member& dimension : dimensions->as_object()) {
      const std::string text = text_at(dimension.value, {"pricePerUnit", "USD"});
      double price = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), price);
      const bool is_whole = error == std::errc() && end == text.data() + text.size();
      if (is_whole && std::isfinite(price) && price > 0) return price;
    }
  }
  return {};
}

Value input_of(const char* service, const Terms& terms) {
  Value::Array filters;
  for (const auto& [field, text] : terms) {
    Value filter;
    filter.set("Type", "TERM_MATCH");
    filter.set("Field", field);
    filter.set("Value", text);
    filters.push_back(std::move(filter));
  }
  Value input;
  input.set("ServiceCode", service);
  input.set("Filters", Value(std::move(filters)));
  input.set("MaxResults", 20);
  return input;
}

bool may_not_ask(const AwsError& error) {
  return error.code() == "AccessDeniedException" || error.code() == "NotFoundException" ||
         error.code() == "UnrecognizedClientException";  // partitions without a price list
}

// The lowest of what is listed.
std::optional<double> price(Client& client, const char* service, const Terms& terms) {
  std::optional<double> least;
  try {
    const Value answer = client.json(Service::pricing, "GetProducts", input_of(service, terms));
    const Value* products = answer.find("PriceList");
    if (!products || !products->is_array()) return {};
    for (const Value& product : products->as_array()) {
      const auto found = price_in(product.is_string() ? product.as_string() : to_json(product));
      if (found && (!least || *found < *least)) least = found;
    }
  } catch (const AwsError& error) {
    if (!may_not_ask(error)) throw;
  }
  return least;
}

}  // namespace

std::optional<double> hourly_price(Client& client, const std::string& type, const std::string& region) {
  return price(client, "AmazonEC2",
               {{"instanceType", type},
                {"regionCode", region},
                {"operatingSystem", "Linux"},
                {"tenancy", "Shared"},
                {"preInstalledSw", "NA"},
                {"capacitystatus", "Used"}});
}

std::optional<double> monthly_price_of_gigabyte(Client& client, const std::string& type,
                                                const std::string& region) {
  return price(client, "AmazonEC2",
               {{"productFamily", "Storage"}, {"volumeApiName", type}, {"regionCode", region}});
}

std::optional<double> hourly_price_of_address(Client& client, const std::string& region) {
  return price(client, "AmazonVPC", {{"group", "VPCPublicIPv4Address"}, {"regionCode", region}});
}

}  // namespace mlops::aws
