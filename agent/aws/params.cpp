#include "aws/params.hpp"

#include <fmt/format.h>

#include "base/percent_encoding.hpp"

namespace mlops::aws {

Params& Params::add(std::string name, std::string value) {
  if (!value.empty()) list_.emplace_back(std::move(name), std::move(value));
  return *this;
}

Params& Params::add_list(const std::string& name, const std::vector<std::string>& values) {
  int number = 0;
  for (const std::string& value : values) add(fmt::format("{}.{}", name, ++number), value);
  return *this;
}

Params& Params::filter(const std::string& name, const std::vector<std::string>& values) {
  const std::string prefix = fmt::format("Filter.{}", ++filters_);
  add(prefix + ".Name", name);
  return add_list(prefix + ".Value", values);
}

void Params::add_tags(const std::string& prefix, const Tags& tags) {
  int number = 0;
  for (const auto& [key, value] : tags) {
    const std::string tag = fmt::format("{}Tag.{}", prefix, ++number);
    add(tag + ".Key", key);
    list_.emplace_back(tag + ".Value", value);  // may be empty
  }
}

Params& Params::tags(const Tags& tags) {
  add_tags("", tags);
  return *this;
}

Params& Params::tag_created(const std::string& resource_type, const Tags& tags) {
  if (tags.empty()) return *this;
  const std::string prefix = fmt::format("TagSpecification.{}", ++tagged_);
  add(prefix + ".ResourceType", resource_type);
  add_tags(prefix + ".", tags);
  return *this;
}

std::string Params::body(std::string_view action, std::string_view version) const {
  std::string text = fmt::format("Action={}&Version={}", percent_encoded(action), percent_encoded(version));
  for (const auto& [name, value] : list_)
    text += fmt::format("&{}={}", percent_encoded(name), percent_encoded(value));
  return text;
}

}  // namespace mlops::aws
