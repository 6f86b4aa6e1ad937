// ~/.aws/config and ~/.aws/credentials.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aws/environment.hpp"

namespace mlops::aws {

struct ConfigValue {
  std::string text;
  std::string where;                          // "/home/ada/.aws/config:3"
  std::map<std::string, ConfigValue> nested;  // of the indented lines below `services`, `s3`, …
};

struct ConfigSection {
  std::string where;
  std::map<std::string, ConfigValue> values;  // names in lower case

  // Null if it is absent or empty.
  const ConfigValue* find(const std::string& name) const;
  // "" if it is.
  std::string text(const std::string& name) const;
};

using ConfigSections = std::map<std::string, ConfigSection>;

struct ConfigFiles {
  std::string config_path, credentials_path;
  ConfigSections profiles, sso_sessions, services;  // of the config file
  ConfigSections credentials;                       // of the credentials file

  bool has_profile(const std::string& name) const;
  // A profile's value: the credentials file's comes before the config file's. Null if neither has it.
  const ConfigValue* find(const std::string& profile, const std::string& name) const;
  std::string text(const std::string& profile, const std::string& name) const;
  std::vector<std::string> profile_names() const;
};

// Reads both; a missing file is an empty one. AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name others.
// Error "FILE:LINE: …" for a line that is none, a name that is there twice; that of read_own_file.
ConfigFiles read_config_files(const Environment& environment);

// The sections of one text by their whole heading, "profile work". Error as above.
ConfigSections parse_config(std::string_view text, const std::string& path);

struct ChosenProfile {
  std::string name = "default";
  std::string where;         // "--profile", "AWS_PROFILE", "" for the default one
  bool is_explicit = false;  // by the caller: the environment's keys are skipped
};
// given: by a flag or the playbook, with where; "" for none. Else AWS_DEFAULT_PROFILE or AWS_PROFILE. Error if
// a profile that was named is in neither file.
ChosenProfile choose_profile(const std::string& given, const std::string& where, const Environment& environment,
                             const ConfigFiles& files);

}  // namespace mlops::aws
