// Users and groups after simulated actions.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "domains/accounts/actions.hpp"
#include "domains/accounts/reader.hpp"

namespace mlops {

class MachineReader;

// base must outlive it. Accounts that no action touched are read from base each time. Numbers that the system
// would choose are absent.
class OverlayAccounts : public AccountReader {
 public:
  explicit OverlayAccounts(const AccountReader& base) : base_(base) {}
  static OverlayAccounts over(const MachineReader& real, const MachineReader& root);

  std::optional<UserAccount> user(const std::string& name) const override;
  std::optional<GroupAccount> group(const std::string& name) const override;
  std::optional<UserAccount> user_by_uid(std::uint32_t uid) const override;
  std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const override;

  // Errors as from the real programs: what is to be created exists, what is to be changed does not.
  void apply(const CreateGroup& action);
  void apply(const ChangeGroup& action);
  void apply(const RemoveGroup& action);
  void apply(const CreateUser& action);
  void apply(const ChangeUser& action);
  void apply(const RemoveUser& action);
  void apply(const ChangeMembership& action);

  // Whether an action changed, created or removed the account.
  bool touched_user(const std::string& name) const { return users_.contains(name); }
  bool touched_group(const std::string& name) const { return groups_.contains(name); }

  // The owner of a removed account's files is its number; otherwise the name.
  std::string left_owner(const std::string& user) const;
  std::string left_group(const std::string& group) const;

  // Between begin and commit or go_back changes can be reverted; go_back does.
  void begin() { kept_ = {users_, groups_}; }
  void commit() { kept_.reset(); }
  void go_back();

 private:
  // As groupdel(8): Error if the group is somebody's primary one.
  void need_no_primary_users(const std::string& group) const;
  UserAccount& edit_user(const std::string& name);
  GroupAccount& edit_group(const std::string& name);
  void join(const std::string& user, const std::string& group);
  void leave(const std::string& user, const std::string& group);

  const AccountReader& base_;
  std::map<std::string, std::optional<UserAccount>> users_;  // empty: removed
  std::map<std::string, std::optional<GroupAccount>> groups_;
  struct State {
    std::map<std::string, std::optional<UserAccount>> users;
    std::map<std::string, std::optional<GroupAccount>> groups;
  };
  std::optional<State> kept_;  // at begin
};

}  // namespace mlops
