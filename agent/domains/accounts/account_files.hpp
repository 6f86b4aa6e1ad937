// The texts of passwd(5) and group(5), looked up by name and by number.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "domains/accounts/reader.hpp"

namespace mlops {

// The content of one reading of both files. Malformed lines, NIS lines ("+…") and repeated names are skipped,
// as the C library does. A user's groups are complete; a primary group without a name is shown by number.
class AccountFiles {
 public:
  AccountFiles() = default;
  AccountFiles(std::string_view passwd, std::string_view group);

  // null if there is none. Pointers live as long as this.
  const UserAccount* user(const std::string& name) const;
  const GroupAccount* group(const std::string& name) const;
  const UserAccount* user(std::uint32_t uid) const;
  const GroupAccount* group(std::uint32_t gid) const;
  const std::vector<UserAccount>& users() const { return users_; }

 private:
  void read_group(std::string_view line);
  void read_user(std::string_view line);

  std::vector<UserAccount> users_;
  std::vector<GroupAccount> groups_;
  std::unordered_map<std::string, std::size_t> users_by_name_, groups_by_name_;
  std::unordered_map<std::uint32_t, std::size_t> users_by_uid_, groups_by_gid_;
  std::unordered_map<std::string, std::vector<std::string>> memberships_;  // user -> groups
};

}  // namespace mlops
