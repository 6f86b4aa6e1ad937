// The reads of accounts as values, one for each member of AccountReader: what decorates a reader handles each
// as one of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/accounts/reader.hpp"

namespace mlops {

struct ReadUser {
  using Result = std::optional<UserAccount>;
  std::string name;
  Result ask(const AccountReader& reader) const { return reader.user(name); }
};
struct ReadGroup {
  using Result = std::optional<GroupAccount>;
  std::string name;
  Result ask(const AccountReader& reader) const { return reader.group(name); }
};
struct ReadUserById {
  using Result = std::optional<UserAccount>;
  std::uint32_t uid = 0;
  Result ask(const AccountReader& reader) const { return reader.user_by_uid(uid); }
};
struct ReadGroupById {
  using Result = std::optional<GroupAccount>;
  std::uint32_t gid = 0;
  Result ask(const AccountReader& reader) const { return reader.group_by_gid(gid); }
};

using AccountQueries = TypeList<ReadUser, ReadGroup, ReadUserById, ReadGroupById>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedAccounts : public AccountReader {
  std::optional<UserAccount> user(const std::string& name) const override {
    return asker().ask(ReadUser{name});
  }
  std::optional<GroupAccount> group(const std::string& name) const override {
    return asker().ask(ReadGroup{name});
  }
  std::optional<UserAccount> user_by_uid(std::uint32_t uid) const override {
    return asker().ask(ReadUserById{uid});
  }
  std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const override {
    return asker().ask(ReadGroupById{gid});
  }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
