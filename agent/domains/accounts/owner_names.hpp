// Maps names of owners and groups of files to numbers and back, cached.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <unordered_map>

#include "domains/accounts/reader.hpp"

namespace mlops {

// Asks accounts, which must outlive it, once for each number and name. A number without a name maps to its own
// decimal text; in the other direction a name takes precedence, as in chown(1). Not thread-safe.
class OwnerNames {
 public:
  explicit OwnerNames(const AccountReader& accounts) : accounts_(accounts) {}

  // References live until forget().
  const std::string& user(uid_t uid) const;
  const std::string& group(gid_t gid) const;
  // Absent: neither a known name nor a number. Unknown names are looked up again each time.
  std::optional<uid_t> uid(const std::string& name_or_number) const;
  std::optional<gid_t> gid(const std::string& name_or_number) const;
  // Call after accounts changed.
  void forget();

 private:
  const AccountReader& accounts_;
  mutable std::unordered_map<uid_t, std::string> users_;
  mutable std::unordered_map<gid_t, std::string> groups_;
  mutable std::unordered_map<std::string, uid_t> uids_;
  mutable std::unordered_map<std::string, gid_t> gids_;
};

}  // namespace mlops
