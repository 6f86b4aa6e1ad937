// Users and groups of a machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hpp"

namespace mlops {

struct UserAccount {
  std::string name;
  std::optional<std::uint32_t> uid;  // absent: chosen on creation
  std::string group;                 // primary, by name
  std::string comment, home, shell;
  std::vector<std::string> groups;  // supplementary, sorted, without the primary
  static constexpr auto fields() {
    return std::tuple(field("name", &UserAccount::name), field("uid", &UserAccount::uid),
                      field("group", &UserAccount::group), field("comment", &UserAccount::comment),
                      field("home", &UserAccount::home), field("shell", &UserAccount::shell),
                      field("groups", &UserAccount::groups));
  }
  friend bool operator==(const UserAccount&, const UserAccount&) = default;
};

struct GroupAccount {
  std::string name;
  std::optional<std::uint32_t> gid;  // absent: chosen on creation
  std::vector<std::string> members;  // sorted
  static constexpr auto fields() {
    return std::tuple(field("name", &GroupAccount::name), field("gid", &GroupAccount::gid),
                      field("members", &GroupAccount::members));
  }
  friend bool operator==(const GroupAccount&, const GroupAccount&) = default;
};

// Read from /etc/passwd and /etc/group, then through the name services. Absent is a value.
class AccountReader {
 public:
  virtual ~AccountReader() = default;
  virtual std::optional<UserAccount> user(const std::string& name) const = 0;
  virtual std::optional<GroupAccount> group(const std::string& name) const = 0;
  virtual std::optional<UserAccount> user_by_uid(std::uint32_t uid) const = 0;
  virtual std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const = 0;
};

}  // namespace mlops
