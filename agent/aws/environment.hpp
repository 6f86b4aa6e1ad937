// What of the person's process the AWS layer goes by. It is passed in: nothing here reads the process itself.
#pragma once

#include <strings.h>

#include <map>
#include <string>

#include "base/process.hpp"

namespace mlops::aws {

struct Environment {
  std::map<std::string, std::string> variables;
  ActingUser user;  // whose home, files and programs are used

  // "" if it is not set; an empty variable counts as not set, as botocore has it.
  std::string variable(const std::string& name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? "" : found->second;
  }
  // Whether it is "true", in any case.
  bool is_true(const std::string& name) const { return ::strcasecmp(variable(name).c_str(), "true") == 0; }
  // ~ and ~/… with the home in place of ~.
  std::string expand(const std::string& path) const {
    if (path == "~") return user.home;
    return path.starts_with("~/") ? user.home + path.substr(1) : path;
  }
};

}  // namespace mlops::aws
