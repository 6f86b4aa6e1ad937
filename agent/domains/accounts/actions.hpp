// What can be done to users and groups, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"

namespace mlops {

struct CreateGroup {
  static constexpr ActionTraits traits{"create_group",        Runs::no_program, Effect::foreseen,
                                       OnFailure::maybe_done, Needs::root,      Repeated::fails,
                                       Groups::unchanged};
  std::string name;
  std::optional<std::uint32_t> gid;  // absent: the next free one of its range
  bool system = false;
  bool unless_there = false;  // a group of that name is left unchanged
  static constexpr auto fields() {
    return std::tuple(field("name", &CreateGroup::name), field("gid", &CreateGroup::gid),
                      field("system", &CreateGroup::system), field("unless_there", &CreateGroup::unless_there));
  }
  friend bool operator==(const CreateGroup&, const CreateGroup&) = default;
};
struct ChangeGroup {
  static constexpr ActionTraits traits{"change_group",        Runs::no_program, Effect::foreseen,
                                       OnFailure::maybe_done, Needs::root,      Repeated::succeeds,
                                       Groups::changed};
  std::string name;
  std::uint32_t gid = 0;
  static constexpr auto fields() {
    return std::tuple(field("name", &ChangeGroup::name), field("gid", &ChangeGroup::gid));
  }
  friend bool operator==(const ChangeGroup&, const ChangeGroup&) = default;
};
struct RemoveGroup {  // absent is success
  static constexpr ActionTraits traits{"remove_group",        Runs::no_program, Effect::foreseen,
                                       OnFailure::maybe_done, Needs::root,      Repeated::succeeds,
                                       Groups::changed};
  std::string name;
  static constexpr auto fields() { return std::tuple(field("name", &RemoveGroup::name)); }
  friend bool operator==(const RemoveGroup&, const RemoveGroup&) = default;
};

// Creates the account only: its home is created by actions of its own. The password is locked.
struct CreateUser {
  static constexpr ActionTraits traits{"create_user", Runs::no_program, Effect::foreseen, OnFailure::maybe_done,
                                       Needs::root,   Repeated::fails,  Groups::changed};
  std::string name;
  std::optional<std::uint32_t> uid;
  bool system = false;
  std::string group;  // primary; "": a new group of the user's name
  std::string home, shell, comment;
  std::vector<std::string> groups;  // supplementary
  // Subordinate ids, "FIRST:COUNT" (subuid(5)). Absent: as useradd(8) assigns them.
  std::optional<std::vector<std::string>> subuids = {}, subgids = {};
  static constexpr auto fields() {
    return std::tuple(field("name", &CreateUser::name), field("uid", &CreateUser::uid),
                      field("system", &CreateUser::system), field("group", &CreateUser::group),
                      field("home", &CreateUser::home), field("shell", &CreateUser::shell),
                      field("comment", &CreateUser::comment), field("groups", &CreateUser::groups),
                      field("subuids", &CreateUser::subuids), field("subgids", &CreateUser::subgids));
  }
  friend bool operator==(const CreateUser&, const CreateUser&) = default;
};
struct ChangeUser {
  static constexpr ActionTraits traits{"change_user",         Runs::no_program, Effect::foreseen,
                                       OnFailure::maybe_done, Needs::root,      Repeated::succeeds,
                                       Groups::changed};
  std::string name;
  std::optional<std::uint32_t> uid;
  std::optional<std::string> group, home, shell, comment;
  static constexpr auto fields() {
    return std::tuple(field("name", &ChangeUser::name), field("uid", &ChangeUser::uid),
                      field("group", &ChangeUser::group), field("home", &ChangeUser::home),
                      field("shell", &ChangeUser::shell), field("comment", &ChangeUser::comment));
  }
  friend bool operator==(const ChangeUser&, const ChangeUser&) = default;
};
// Absent is success. The group of the user's name is removed too, if it is the primary one and has no other
// members.
struct RemoveUser {
  static constexpr ActionTraits traits{"remove_user",         Runs::no_program, Effect::foreseen,
                                       OnFailure::maybe_done, Needs::root,      Repeated::succeeds,
                                       Groups::unchanged};
  std::string name;
  bool keep_group = false;  // the group is kept
  static constexpr auto fields() {
    return std::tuple(field("name", &RemoveUser::name), field("keep_group", &RemoveUser::keep_group));
  }
  friend bool operator==(const RemoveUser&, const RemoveUser&) = default;
};
// Adds to supplementary groups, which must exist, and removes from others.
struct ChangeMembership {
  static constexpr ActionTraits traits{"change_membership",   Runs::no_program, Effect::foreseen,
                                       OnFailure::maybe_done, Needs::root,      Repeated::succeeds,
                                       Groups::changed};
  std::string user;
  std::vector<std::string> add, remove;
  static constexpr auto fields() {
    return std::tuple(field("user", &ChangeMembership::user), field("add", &ChangeMembership::add),
                      field("remove", &ChangeMembership::remove));
  }
  friend bool operator==(const ChangeMembership&, const ChangeMembership&) = default;
};

using AccountActions =
    TypeList<CreateGroup, ChangeGroup, RemoveGroup, CreateUser, ChangeUser, RemoveUser, ChangeMembership>;

}  // namespace mlops
