// The region that calls go to. It is never assumed.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "aws/config_files.hpp"

namespace mlops::aws {

struct Region {
  std::string name;    // "eu-central-1"
  std::string source;  // who said so: "--region", "AWS_REGION", "/home/ada/.aws/config:3", "this instance"
};

struct RegionChoice {
  std::string given, where;  // by a flag or the playbook, with its place; "" for none
  std::string profile;       // whose region counts after the environment's
  // Asks the instance that this runs on; "" where it is none. May be empty.
  std::function<std::string()> ask_instance;
};

// Whether it can be part of a host's name: letters, digits and hyphens (RFC 1123, 2.1). Regions themselves are
// not listed here: new ones come.
bool is_region_name(std::string_view text);

// given, AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's, in this order. Error that names them
// all if none says it; Error with its place if it cannot be part of a host's name.
Region find_region(const RegionChoice& choice, const Environment& environment, const ConfigFiles& files);

}  // namespace mlops::aws
