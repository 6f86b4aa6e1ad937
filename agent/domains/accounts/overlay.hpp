// Users and groups as they would be after actions that were not performed.
#pragma once

#include <map>
#include <string>

#include "domains/accounts/reader.hpp"
#include "domains/action.hpp"

namespace mlops {

// base must outlive it. What no action touched is read from base each time. Numbers that the system would
// choose are absent.
class OverlayAccounts : public AccountReader {
 public:
  explicit OverlayAccounts(const AccountReader& base) : base_(base) {}

  std::optional<UserAccount> user(const std::string& name) const override;
  std::optional<GroupAccount> group(const std::string& name) const override;
  std::optional<UserAccount> user_by_uid(std::uint32_t uid) const override;
  std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const override;

  // Errors where the real programs would fail: what is to be made is there, what is to be changed is not.
  void apply(const CreateGroup& action);
  void apply(const ChangeGroup& action);
  void apply(const RemoveGroup& action);
  void apply(const CreateUser& action);
  void apply(const ChangeUser& action);
  void apply(const RemoveUser& action);
  void apply(const ChangeMembership& action);

  // An action changed or made the account, or removed it.
  bool touched_user(const std::string& name) const { return users_.contains(name); }
  bool touched_group(const std::string& name) const { return groups_.contains(name); }

  // What files of an account are owned by once it was removed: its number; otherwise the name.
  std::string left_owner(const std::string& user) const;
  std::string left_group(const std::string& group) const;

  // What was changed until now, to be gone back to.
  struct State {
    std::map<std::string, std::optional<UserAccount>> users;  // empty: removed
    std::map<std::string, std::optional<GroupAccount>> groups;
  };
  State state() const { return {users_, groups_}; }
  void go_back(State state) {
    users_ = std::move(state.users);
    groups_ = std::move(state.groups);
  }

 private:
  // As groupdel(8): Error where the group is somebody's primary one.
  void need_no_primary_users(const std::string& group) const;
  UserAccount& edit_user(const std::string& name);
  GroupAccount& edit_group(const std::string& name);
  void join(const std::string& user, const std::string& group);
  void leave(const std::string& user, const std::string& group);

  const AccountReader& base_;
  std::map<std::string, std::optional<UserAccount>> users_;  // empty: removed
  std::map<std::string, std::optional<GroupAccount>> groups_;
};

}  // namespace mlops
