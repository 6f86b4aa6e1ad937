// Credentials of roles that the AWS CLI keeps in ~/.aws/cli/cache, so that a code of an MFA device is not asked
// for by each program anew.
#pragma once

#include <optional>
#include <string>

#include "aws/environment.hpp"
#include "aws/sts.hpp"

namespace mlops::aws {

class RoleCache {
 public:
  // request: with the session's name only if the person gave one, and without the MFA code.
  RoleCache(const Environment& environment, const AssumeRole& request);

  // Absent if there are none, or they end within 15 minutes. Error of read_own_file; Error if the file is not
  // JSON.
  std::optional<RoleCredentials> get(Seconds now) const;
  // Error if it cannot be written.
  void put(const RoleCredentials& credentials) const;

 private:
  const Environment& environment_;
  std::string path_;  // "": this role cannot be named as the CLI names it
};

}  // namespace mlops::aws
