#include "domains/accounts/overlay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "domains/accounts/local.hpp"
#include "domains/domains.hpp"

namespace mlops {
namespace {

void add_sorted(std::vector<std::string>& list, const std::string& item) {
  const auto at = std::lower_bound(list.begin(), list.end(), item);
  if (at == list.end() || *at != item) list.insert(at, item);
}

}  // namespace

OverlayAccounts OverlayAccounts::over(const MachineReader& real, const MachineReader& /*root*/) {
  return OverlayAccounts(real.accounts());
}

void OverlayAccounts::go_back() {
  if (!kept_) return;
  users_ = std::move(kept_->users);
  groups_ = std::move(kept_->groups);
  kept_.reset();
}

std::optional<UserAccount> OverlayAccounts::user(const std::string& name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? base_.user(name) : found->second;
}

std::string OverlayAccounts::left_owner(const std::string& user) const {
  const auto found = users_.find(user);
  if (found == users_.end() || found->second) return user;
  const auto before = base_.user(user);
  return before && before->uid ? std::to_string(*before->uid) : user;
}

std::string OverlayAccounts::left_group(const std::string& group) const {
  const auto found = groups_.find(group);
  if (found == groups_.end() || found->second) return group;
  const auto before = base_.group(group);
  return before && before->gid ? std::to_string(*before->gid) : group;
}

std::optional<GroupAccount> OverlayAccounts::group(const std::string& name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? base_.group(name) : found->second;
}

std::optional<UserAccount> OverlayAccounts::user_by_uid(std::uint32_t uid) const {
  for (const auto& [name, account] : users_)
    if (account && account->uid == uid) return account;
  auto account = base_.user_by_uid(uid);
  return account && touched_user(account->name) ? std::nullopt : account;
}

std::optional<GroupAccount> OverlayAccounts::group_by_gid(std::uint32_t gid) const {
  for (const auto& [name, account] : groups_)
    if (account && account->gid == gid) return account;
  auto account = base_.group_by_gid(gid);
  return account && touched_group(account->name) ? std::nullopt : account;
}

UserAccount& OverlayAccounts::edit_user(const std::string& name) {
  auto account = user(name);
  if (!account) throw Error(fmt::format("user `{}` does not exist", name));
  auto& slot = users_[name];
  slot = std::move(account);
  return *slot;
}

GroupAccount& OverlayAccounts::edit_group(const std::string& name) {
  auto account = group(name);
  if (!account) throw Error(fmt::format("group `{}` does not exist", name));
  auto& slot = groups_[name];
  slot = std::move(account);
  return *slot;
}

void OverlayAccounts::join(const std::string& user_name, const std::string& group_name) {
  add_sorted(edit_group(group_name).members, user_name);
  UserAccount& account = edit_user(user_name);
  if (account.group != group_name) add_sorted(account.groups, group_name);
}

void OverlayAccounts::leave(const std::string& user_name, const std::string& group_name) {
  std::erase(edit_group(group_name).members, user_name);
  std::erase(edit_user(user_name).groups, group_name);
}

void OverlayAccounts::apply(const CreateGroup& action) {
  if (group(action.name)) {
    if (action.unless_there) return;
    throw Error(fmt::format("group `{}` exists already", action.name));
  }
  groups_[action.name] = GroupAccount{action.name, action.gid, {}};
}

void OverlayAccounts::apply(const ChangeGroup& action) { edit_group(action.name).gid = action.gid; }

void OverlayAccounts::apply(const RemoveGroup& action) {
  const auto account = group(action.name);
  if (!account) return;
  need_no_primary_users(action.name);
  for (const std::string& member : account->members)
    if (user(member)) std::erase(edit_user(member).groups, action.name);
  groups_[action.name] = std::nullopt;
}

void OverlayAccounts::need_no_primary_users(const std::string& name) const {
  std::vector<std::string> users;
  for (const auto& [user_name, account] : users_) users.push_back(user_name);
  // Only the machine's own files show whose primary group it is.
  if (const auto* local = dynamic_cast<const LocalAccounts*>(&base_))
    for (std::string& one : local->primary_users(name)) users.push_back(std::move(one));
  for (const std::string& one : users)
    if (const auto account = user(one); account && account->group == name)
      throw Error("groupdel ended with status 8")
          .with_output(fmt::format("groupdel: cannot remove the primary group of user '{}'\n", one))
          .while_doing("removing group " + name);
}

void OverlayAccounts::apply(const CreateUser& action) {
  if (user(action.name)) throw Error(fmt::format("user `{}` exists already", action.name));
  const std::string primary = action.group.empty() ? action.name : action.group;
  if (action.group.empty())
    apply(CreateGroup{action.name, {}, action.system});
  else if (!group(primary))
    throw Error(fmt::format("group `{}` does not exist", primary));
  users_[action.name] =
      UserAccount{action.name, action.uid, primary, action.comment, action.home, action.shell, {}};
  for (const std::string& g : action.groups) join(action.name, g);
}

void OverlayAccounts::apply(const ChangeUser& action) {
  if (action.group && !group(*action.group))
    throw Error(fmt::format("group `{}` does not exist", *action.group));
  UserAccount& account = edit_user(action.name);
  if (action.uid) account.uid = action.uid;
  if (action.home) account.home = *action.home;
  if (action.shell) account.shell = *action.shell;
  if (action.comment) account.comment = *action.comment;
  if (!action.group || *action.group == account.group) return;
  // A user listed in the former primary group becomes a supplementary member of it.
  const std::string former = std::exchange(account.group, *action.group);
  std::erase(account.groups, account.group);
  const auto members = group(former);
  if (members && std::binary_search(members->members.begin(), members->members.end(), action.name))
    add_sorted(account.groups, former);
}

// userdel(8) removes the group of the user's name too, if it was the primary one and has no other members.
void OverlayAccounts::apply(const RemoveUser& action) {
  if (!user(action.name)) return;
  const UserAccount account = edit_user(action.name);
  for (const std::string& g : account.groups) std::erase(edit_group(g).members, action.name);
  users_[action.name] = std::nullopt;
  if (account.group != action.name) return;
  auto own = group(action.name);
  if (!own) return;
  std::erase(own->members, action.name);
  if (own->members.empty() && !action.keep_group) own.reset();
  groups_[action.name] = std::move(own);
}

void OverlayAccounts::apply(const ChangeMembership& action) {
  for (const std::string& g : action.add) join(action.user, g);
  for (const std::string& g : action.remove)
    if (group(g)) leave(action.user, g);
}

}  // namespace mlops
