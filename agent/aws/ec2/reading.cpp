#include "aws/ec2/reading.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace mlops::aws {
namespace {

constexpr int most_pages = 1000;

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool is_id(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return text.size() <= 64 && text.front() != '-' && std::all_of(text.begin(), text.end(), plain);
}

[[noreturn]] void refuse(const char* kind, const std::string& text) {
  throw Error(fmt::format("EC2 answered `{}`, which is not {}", printable(cut(text, 80)), kind));
}

}  // namespace

std::vector<XmlNode> all_items(Client& client, const std::string& action, Params params,
                               const std::string& list, std::int64_t page_size) {
  if (page_size > 0) params.add("MaxResults", page_size);
  std::vector<XmlNode> items;
  std::string token;
  for (int page = 0; page < most_pages; ++page) {
    Params next = params;
    next.add("NextToken", token);
    const XmlNode answer = client.query(Service::ec2, action, next);
    for (const XmlNode& item : answer.list_at(list)) items.push_back(item);
    std::string following = answer.text_at("nextToken");
    if (following.empty()) return items;
    if (following == token) break;
    token = std::move(following);
  }
  throw Error(fmt::format("ec2 {}: the answer has pages without end", action));
}

Params selection_params(const Selection& selection, const std::string& id_name) {
  Params params;
  params.add_list(id_name, selection.ids);
  for (const Filter& filter : selection.filters) params.filter(filter.name, filter.values);
  return params;
}

void end_once(Client& client, const std::string& action, const Params& params, std::string_view gone_code) {
  try {
    client.query(Service::ec2, action, params);
  } catch (const AwsError& error) {
    if (error.code() != gone_code) throw;
  }
}

Tags tags_of(const XmlNode& node) {
  Tags tags;
  for (const XmlNode& tag : node.list_at("tagSet")) tags[tag.text_at("key")] = tag.text_at("value");
  return tags;
}

std::string id_at(const XmlNode& node, std::string_view path) {
  std::string id = node.text_at(path);
  if (!id.empty() && !is_id(id)) refuse("an id", id);
  return id;
}

std::string address_at(const XmlNode& node, std::string_view path) {
  std::string address = node.text_at(path);
  if (!address.empty() && !is_address(address)) refuse("an address", address);
  return address;
}

std::optional<Seconds> time_at(const XmlNode& node, std::string_view path) {
  return parse_iso_time(node.text_at(path));
}

}  // namespace mlops::aws
