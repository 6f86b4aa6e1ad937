#include "aws/region.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace mlops::aws {
namespace {

Region checked(Region region) {
  if (is_region_name(region.name)) return region;
  throw Error(fmt::format("{}: {} is not the name of an AWS region, such as eu-central-1", region.source,
                          printable(cut(region.name, 80))));
}

}  // namespace

bool is_region_name(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), plain) &&
         text.front() != '-' && text.back() != '-';
}

Region find_region(const RegionChoice& choice, const Environment& environment, const ConfigFiles& files) {
  if (!choice.given.empty()) return checked({choice.given, choice.where});
  for (const char* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (const std::string name = environment.variable(variable); !name.empty())
      return checked({name, variable});
  if (const ConfigValue* value = files.find(choice.profile, "region"))
    return checked({value->text, value->where});
  if (choice.ask_instance)
    if (const std::string name = choice.ask_instance(); !name.empty()) return checked({name, "this instance"});
  throw Error(
      fmt::format("no AWS region is given: not by a flag or the playbook, not by AWS_REGION or "
                  "AWS_DEFAULT_REGION, not by `region` of the profile {} in {}, and this is no EC2 "
                  "instance; name one, for instance AWS_REGION=eu-central-1",
                  choice.profile, files.config_path));
}

}  // namespace mlops::aws
