// The parameters of a call in the query protocol.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlops::aws {

// In the order of their keys, so that the same tags make the same request.
using Tags = std::map<std::string, std::string>;

// Names and values in order. "" counts as not given, and is not sent.
class Params {
 public:
  Params& add(std::string name, std::string value);
  Params& add(std::string name, const char* value) { return add(std::move(name), std::string(value)); }
  Params& add(std::string name, bool value) { return add(std::move(name), value ? "true" : "false"); }
  Params& add(std::string name, std::int64_t value) { return add(std::move(name), std::to_string(value)); }
  // NAME.1=…, NAME.2=…
  Params& add_list(const std::string& name, const std::vector<std::string>& values);
  // Tag.1.Key=… and so on, of an existing resource.
  Params& tags(const Tags& tags);
  // The next Filter.N: one of the values (ORed; * and ? are wildcards) of that attribute.
  Params& filter(const std::string& name, const std::vector<std::string>& values);
  // TagSpecification.N of the next N: what a resource that the call makes is tagged with.
  Params& tag_created(const std::string& resource_type, const Tags& tags);

  // "Action=…&Version=…&NAME=VALUE…", encoded.
  std::string body(std::string_view action, std::string_view version) const;

 private:
  void add_tags(const std::string& prefix, const Tags& tags);
  std::vector<std::pair<std::string, std::string>> list_;
  int filters_ = 0, tagged_ = 0;
};

}  // namespace mlops::aws
