#include "resource/cloud.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "domains/cloud/object_name.hpp"

namespace mlops {
namespace {

constexpr double most_dollars = 10'000;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_of_letters_digits_or(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter_or_digit(c) || others.find(c) != others.npos; });
}

struct Network {
  int family = AF_INET;
  std::array<unsigned char, 16> bytes{};
  unsigned size() const { return family == AF_INET ? 32 : 128; }  // bits
};

std::optional<Network> parse_address(const std::string& text) {
  Network network;
  if (::inet_pton(AF_INET, text.c_str(), network.bytes.data()) == 1) return network;
  network.family = AF_INET6;
  if (::inet_pton(AF_INET6, text.c_str(), network.bytes.data()) == 1) return network;
  return std::nullopt;
}

std::string with_prefix(Network network, unsigned prefix) {
  for (unsigned bit = prefix; bit < network.size(); ++bit)
    network.bytes[bit / 8] = static_cast<unsigned char>(network.bytes[bit / 8] & ~(0x80u >> bit % 8));
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(network.family, network.bytes.data(), text.data(), text.size());
  return fmt::format("{}/{}", text.data(), prefix);
}

}  // namespace

bool Codec<Dollars>::decode(const Value& v, Dollars& into, Decoder& d) {
  constexpr std::string_view wanted = "an amount of US dollars such as 0.25";
  if (v.is_number()) {
    into.amount = v.as_number();
  } else {
    const std::string text = v.is_string() ? v.as_string() : "";
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into.amount);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return d.must_be(v, wanted);
  }
  if (into.amount > 0 && into.amount <= most_dollars) return true;
  return d.must_be(v, fmt::format("more than 0 and at most {}", most_dollars));
}
std::string Codec<Dollars>::type_text() { return "US dollars"; }
Value Codec<Dollars>::json_schema() {
  Value number, text, v;
  number.set("type", "number");
  number.set("exclusiveMinimum", 0);
  text.set("type", "string");
  text.set("pattern", "^[0-9]+(\\.[0-9]+)?$");
  v.set("anyOf", Value::Array{std::move(number), std::move(text)});
  return v;
}
Value Codec<Dollars>::to_value(const Dollars&) { return {}; }

void check_account(const CloudAccount& account, Checker& c) {
  if (!account.region.empty() && !is_of_letters_digits_or(account.region, "-"))
    c.error("region", fmt::format("`{}` is no region", account.region), "as in \"eu-central-1\"");
  const auto bad = [](char x) { return static_cast<unsigned char>(x) < ' ' || x == '[' || x == ']'; };
  if (std::any_of(account.profile.begin(), account.profile.end(), bad))
    c.error("profile", fmt::format("`{}` is no name of a profile", account.profile));
}

CloudScope scope_of(const CloudAccount& account) { return {account.profile, account.region}; }

void check_tagged_name(const std::string& name, Checker& c) {
  const bool good = !name.empty() && name.size() <= 128 && is_of_letters_digits_or(name, " ._:/=+@-") &&
                    name.front() != ' ' && name.back() != ' ';
  if (!good)
    c.error("name", fmt::format("`{}` cannot be the name", name),
            "1 to 128 letters, digits, blanks inside and ._:/=+@-");
}

Claim cloud_claim(const std::string& type, const CloudAccount& account, const std::string& name,
                  Claim::Access access) {
  return {.kind = Claim::Kind::cloud,
          .key = to_string(CloudObject{type, name, scope_of(account)}),
          .access = access};
}

bool is_ours(const CloudTags& tags) { return tags.contains(cloud_tag); }

Value cloud_removal(const std::string& type, const CloudAccount& account, const std::string& name) {
  Value v;
  v.set("type", type);
  v.set("name", name);
  if (!account.region.empty()) v.set("region", account.region);
  if (!account.profile.empty()) v.set("profile", account.profile);
  v.set("state", "absent");
  return v;
}

std::optional<std::string> canonical_cidr(const std::string& text) {
  const auto slash = text.find('/');
  const auto network = parse_address(text.substr(0, slash));
  if (!network || slash == std::string::npos) return std::nullopt;
  unsigned prefix = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, prefix);
  if (error != std::errc() || stop != end || prefix > network->size()) return std::nullopt;
  return with_prefix(*network, prefix);
}

std::optional<std::string> cidr_of_host(const std::string& address) {
  const auto network = parse_address(address);
  if (!network) return std::nullopt;
  return with_prefix(*network, network->size());
}

}  // namespace mlops
