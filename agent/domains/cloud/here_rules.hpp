// Rules of security groups for the address from which this machine reaches the internet, which may change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aws/environment.hpp"
#include "domains/cloud/reader.hpp"

namespace mlops {

// What a name or description of a group or rule is made of, beside letters and digits.
inline constexpr std::string_view group_signs = " ._-:/()#,@[]+=&;{}!$*";
// Whether EC2 takes it as a name or description of a group or rule (its API reference, CreateSecurityGroup).
bool is_group_text(std::string_view text);

// What describes the rules of a machine: "mlops-agent HOST". hostname: as the kernel has it; what EC2 does not
// take becomes '-'.
std::string here_description(std::string_view hostname);
// Of the machine that this runs on.
std::string own_here_description();

// An account in which this machine has such rules.
struct HereAccount {
  CloudScope scope;                                // with the region
  std::map<std::string, std::string> environment;  // variables by which AWS's own tools find the account
  bool operator==(const HereAccount&) const = default;
};

// Those variables among all: files, profile and endpoints; nothing that is secret.
std::map<std::string, std::string> account_variables(const std::map<std::string, std::string>& all);

// FOLDER/here.json, mode 0600: what the process that keeps a tunnel knows of the person's accounts.
class HereAccounts {
 public:
  // folder: of the person's state.
  HereAccounts(std::string folder, aws::Environment environment)
      : folder_(std::move(folder)), environment_(std::move(environment)) {}

  // Empty without the file. Error if it is damaged, or others could have written it.
  std::vector<HereAccount> read() const;
  // Once, however often. Error if it cannot be written.
  void add(const HereAccount& account) const;

 private:
  std::string path() const { return folder_ + "/here.json"; }

  std::string folder_;
  aws::Environment environment_;
};

}  // namespace mlops
