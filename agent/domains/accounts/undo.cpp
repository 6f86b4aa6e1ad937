// How the actions on users and groups are reverted.
#include <algorithm>

#include <fmt/format.h>

#include "base/contains.hpp"
#include "domains/accounts/subordinate_ids.hpp"
#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/domains.hpp"
#include "domains/inverse.hpp"
#include "domains/matches.hpp"

namespace mlops {
namespace {

constexpr std::uint32_t first_ordinary_id = 1000;  // UID_MIN and GID_MIN of login.defs(5)

bool contains_all(const std::vector<std::string>& list, const std::vector<std::string>& words) {
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) { return contains(list, word); });
}

void capture_user(const std::string& name, CaptureBefore& c, Before& b) {
  b.user = c.machine().accounts().user(name);
  b.group = c.machine().accounts().group(b.user ? b.user->group : name);
}

}  // namespace

void capture(const CreateGroup& a, CaptureBefore& c, Before& b) {
  b.group = c.machine().accounts().group(a.name);
}
void capture(const ChangeGroup& a, CaptureBefore& c, Before& b) {
  b.group = c.machine().accounts().group(a.name);
}
void capture(const RemoveGroup& a, CaptureBefore& c, Before& b) {
  b.group = c.machine().accounts().group(a.name);
}
void capture(const CreateUser& a, CaptureBefore& c, Before& b) { capture_user(a.name, c, b); }
void capture(const ChangeUser& a, CaptureBefore& c, Before& b) { capture_user(a.name, c, b); }
void capture(const RemoveUser& a, CaptureBefore& c, Before& b) {
  capture_user(a.name, c, b);
  b.subuids = subordinate_ids(c.machine().files().read("/etc/subuid").value_or(""), a.name);
  b.subgids = subordinate_ids(c.machine().files().read("/etc/subgid").value_or(""), a.name);
}
void capture(const ChangeMembership& a, CaptureBefore& c, Before& b) { capture_user(a.user, c, b); }

Inverse invert(const CreateGroup& a, const Before& b) {
  if (b.group) return {};
  return {{RemoveGroup{a.name}}, {}};
}
Inverse invert(const ChangeGroup& a, const Before& b) {
  if (!b.group || !b.group->gid) return {};
  return {{ChangeGroup{a.name, *b.group->gid}}, {}};
}
Inverse invert(const RemoveGroup& a, const Before& b) {
  if (!b.group) return {};
  Inverse result{{CreateGroup{a.name, b.group->gid, b.group->gid.value_or(0) < first_ordinary_id}}, {}};
  for (const std::string& member : b.group->members)
    result.actions.push_back(ChangeMembership{member, {a.name}, {}});
  return result;
}
Inverse invert(const CreateUser& a, const Before& b) {
  if (b.user) return {};
  return {{RemoveUser{a.name, b.group.has_value()}}, {}};
}
Inverse invert(const ChangeUser& a, const Before& b) {
  if (!b.user) return {};
  ChangeUser back{.name = a.name};
  if (a.uid) back.uid = b.user->uid;
  if (a.group) back.group = b.user->group;
  if (a.home) back.home = b.user->home;
  if (a.shell) back.shell = b.user->shell;
  if (a.comment) back.comment = b.user->comment;
  return {{back}, {}};
}
// userdel(8) removes the user's own group too if it has no other members (USERGROUPS_ENAB).
Inverse invert(const RemoveUser& a, const Before& b) {
  if (!b.user) return {};
  const UserAccount& was = *b.user;
  Inverse result;
  const bool system = was.uid.value_or(0) < first_ordinary_id;
  if (was.group == a.name)
    result.actions.push_back(CreateGroup{a.name, b.group ? b.group->gid : std::nullopt, system, true});
  result.actions.push_back(CreateUser{a.name, was.uid, system, was.group, was.home, was.shell, was.comment,
                                      was.groups, b.subuids, b.subgids});
  result.stays.push_back(fmt::format("the password of user {}, which is gone", a.name));
  return result;
}
Inverse invert(const ChangeMembership& a, const Before& b) {
  if (!b.user) return {};
  ChangeMembership back{.user = a.user};
  for (const std::string& group : a.add)
    if (!contains(b.user->groups, group)) back.remove.push_back(group);
  for (const std::string& group : a.remove)
    if (contains(b.user->groups, group)) back.add.push_back(group);
  if (back.add.empty() && back.remove.empty()) return {};
  return {{back}, {}};
}

bool satisfied(const CreateGroup& a, const MachineReader& m) { return m.accounts().group(a.name).has_value(); }
bool satisfied(const ChangeGroup& a, const MachineReader& m) {
  const auto g = m.accounts().group(a.name);
  return g && g->gid == a.gid;
}
bool satisfied(const RemoveGroup& a, const MachineReader& m) { return !m.accounts().group(a.name); }
bool satisfied(const CreateUser& a, const MachineReader& m) {
  const auto u = m.accounts().user(a.name);
  return u && (!a.uid || u->uid == a.uid) && (a.group.empty() || a.group == u->group) &&
         contains_all(u->groups, a.groups);
}
bool satisfied(const ChangeUser& a, const MachineReader& m) {
  const auto u = m.accounts().user(a.name);
  return u && (!a.uid || u->uid == a.uid) && matches(a.group, u->group) && matches(a.home, u->home) &&
         matches(a.shell, u->shell) && matches(a.comment, u->comment);
}
bool satisfied(const RemoveUser& a, const MachineReader& m) { return !m.accounts().user(a.name); }
bool satisfied(const ChangeMembership& a, const MachineReader& m) {
  const auto u = m.accounts().user(a.user);
  return u && contains_all(u->groups, a.add) &&
         std::none_of(a.remove.begin(), a.remove.end(),
                      [&](const std::string& group) { return contains(u->groups, group); });
}

void touch(const CreateGroup& a, const Before&, Things& things) { things.insert("group " + a.name); }
void touch(const ChangeGroup& a, const Before&, Things& things) { things.insert("group " + a.name); }
void touch(const RemoveGroup& a, const Before&, Things& things) { things.insert("group " + a.name); }
void touch(const CreateUser& a, const Before&, Things& things) { things.insert("user " + a.name); }
void touch(const ChangeUser& a, const Before&, Things& things) { things.insert("user " + a.name); }
void touch(const RemoveUser& a, const Before&, Things& things) { things.insert("user " + a.name); }
void touch(const ChangeMembership& a, const Before&, Things& things) { things.insert("user " + a.user); }

namespace {

std::string fingerprint_of(const std::optional<UserAccount>& u) {
  if (!u) return "absent";
  std::string groups;
  for (const std::string& group : u->groups) groups += " " + group;
  return fmt::format("user {} {} `{}` {} {} in{}", u->uid.value_or(0), u->group, u->comment, u->home, u->shell,
                     groups);
}
std::string fingerprint_of(const std::optional<GroupAccount>& g) {
  return g ? fmt::format("group {}", g->gid.value_or(0)) : "absent";
}

}  // namespace

std::optional<std::string> fingerprint(AccountsDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& m) {
  if (kind == "user") return fingerprint_of(m.accounts().user(name));
  if (kind == "group") return fingerprint_of(m.accounts().group(name));
  return std::nullopt;
}

}  // namespace mlops
