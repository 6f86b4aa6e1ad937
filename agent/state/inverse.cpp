#include "state/inverse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/command_line.hpp"
#include "domains/files/paths.hpp"
#include "state/leftovers.hpp"

namespace mlops {
namespace {

using Kind = SavedPath::Kind;
using Verb = ChangeUnit::Verb;

constexpr std::uint32_t first_ordinary_id = 1000;  // UID_MIN and GID_MIN of login.defs(5)

template <class List, class Item>
bool contains(const List& list, const Item& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool was_there(const Before& before) {
  return !before.paths.empty() && before.paths.front().kind != Kind::absent;
}

// Except leftovers of an interrupted run in a tree: they are not restored.
bool comes_back(const SavedPath& saved, const std::string& top) {
  if (saved.kind == Kind::absent) return false;
  for (std::string_view at = saved.path; is_within(at, top); at = folder_of(at)) {
    if (is_staging_name(name_of(at))) return false;
    if (at == top) break;
  }
  return true;
}

// The previous object at a path, with everything below it.
Inverse restored(Before before) {
  if (!before.not_kept.empty())
    return {{}, {fmt::format("what was at {} ({})", before.paths.front().path, before.not_kept)}};
  const std::string top = before.paths.front().path;
  std::erase_if(before.paths, [&](const SavedPath& saved) { return !comes_back(saved, top); });
  if (before.paths.empty()) return {};
  RestorePath restore{before.paths.front(), {}};
  for (std::size_t i = 1; i < before.paths.size(); ++i) restore.below.push_back({before.paths[i], {}});
  Inverse result{{std::move(restore)}, {}};
  for (const SavedPath& saved : before.paths)
    if (saved.other_names > 0)
      result.stays.push_back(fmt::format("the hard links of {} to {} other {}, which will be another file",
                                         saved.path, saved.other_names,
                                         saved.other_names == 1 ? "name" : "names"));
  return result;
}

Inverse written(const std::string& path, const Before& before, bool sensitive = false) {
  if (was_there(before)) return restored(before);
  return {{RemovePath{.path = before.paths.empty() ? path : before.paths.front().path, .sensitive = sensitive}},
          {}};
}

Inverse made(const std::string& path, const Before& before) {
  if (was_there(before)) return {};
  return {{RemovePath{before.paths.empty() ? path : before.paths.front().path}}, {}};
}

Inverse of(const WriteFile& a, const Before& b) { return written(a.path, b, a.sensitive); }
Inverse of(const CreateSecret& a, const Before& b) { return written(a.path, b, true); }
Inverse of(const Download& a, const Before& b) { return written(a.path, b); }
Inverse of(const RestorePath& a, const Before& b) {
  if (was_there(b) || a.below.empty()) return written(a.saved.path, b);
  return {{RemovePath{a.saved.path, true}}, {}};
}
Inverse of(const CreateDirectory& a, const Before& b) { return made(a.path, b); }
Inverse of(const CreateLink& a, const Before& b) { return made(a.path, b); }

Inverse of(const SetAttributes& a, const Before& b) {
  if (!was_there(b)) return {};
  const SavedPath& was = b.paths.front();
  // While it is the same file or folder, all that this run took from it can be given back.
  if (was.inode != 0 && (was.kind == Kind::file || was.kind == Kind::folder))
    return {{RestorePath{was, {}}}, {}};
  SetAttributes back{.path = was.path};
  if (a.mode || !a.owner.empty() || !a.group.empty()) back.mode = was.mode;  // chown(2) clears set-user-ID
  if (!a.owner.empty()) back.owner = was.owner;
  if (!a.group.empty()) back.group = was.group;
  if ((!a.owner.empty() || !a.group.empty()) && !was.attributes.empty()) back.extended = was.attributes;
  return {{back}, {}};
}

Inverse of(const RemovePath&, const Before& b) { return was_there(b) ? restored(b) : Inverse(); }

// before: what was at `to`, at most an empty folder.
Inverse of(const RenamePath& a, const Before& b) {
  Inverse result{{RenamePath{a.to, a.from}}, {}};
  if (was_there(b)) result.actions.push_back(RestorePath{b.paths.front(), {}});
  return result;
}

Inverse of(const CreateGroup& a, const Before& b) {
  if (b.group) return {};
  return {{RemoveGroup{a.name}}, {}};
}
Inverse of(const ChangeGroup& a, const Before& b) {
  if (!b.group || !b.group->gid) return {};
  return {{ChangeGroup{a.name, *b.group->gid}}, {}};
}
Inverse of(const RemoveGroup& a, const Before& b) {
  if (!b.group) return {};
  Inverse result{{CreateGroup{a.name, b.group->gid, b.group->gid.value_or(0) < first_ordinary_id}}, {}};
  for (const std::string& member : b.group->members)
    result.actions.push_back(ChangeMembership{member, {a.name}, {}});
  return result;
}

Inverse of(const CreateUser& a, const Before& b) {
  if (b.user) return {};
  return {{RemoveUser{a.name, b.group.has_value()}}, {}};
}
Inverse of(const ChangeUser& a, const Before& b) {
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
Inverse of(const RemoveUser& a, const Before& b) {
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
Inverse of(const ChangeMembership& a, const Before& b) {
  if (!b.user) return {};
  ChangeMembership back{.user = a.user};
  for (const std::string& group : a.add)
    if (!contains(b.user->groups, group)) back.remove.push_back(group);
  for (const std::string& group : a.remove)
    if (contains(b.user->groups, group)) back.add.push_back(group);
  if (back.add.empty() && back.remove.empty()) return {};
  return {{back}, {}};
}

Inverse of_transaction(const Before& b) {
  RemovePackages remove;
  InstallPackages install;
  for (const PackageChange& change : b.packages) {
    const PackageChange back{change.name, change.version_after, change.version_before};
    if (change.version_before.empty()) {
      remove.names.push_back(change.name);
      remove.expected.push_back(back);
    } else {
      install.wanted.push_back(change.name + "=" + change.version_before);
      install.expected.push_back(back);
    }
  }
  install.automatic = b.automatic;
  Inverse result;
  if (!remove.names.empty()) result.actions.push_back(std::move(remove));
  if (!install.wanted.empty()) result.actions.push_back(std::move(install));
  // Configuration files that existed before their package was installed.
  for (const SavedPath& path : b.paths)
    if (path.kind != Kind::absent) result.actions.push_back(RestorePath{path});
  return result;
}
Inverse of(const InstallPackages& a, const Before& b) {
  Inverse result = of_transaction(b);
  if (!a.manual.empty()) result.actions.push_back(InstallPackages{.automatic = a.manual});
  return result;
}
Inverse of(const RemovePackages&, const Before& b) { return of_transaction(b); }
Inverse of(const RepairPackages&, const Before&) { return {}; }

Inverse of(const ChangeUnit& a, const Before& b) {
  const auto back = [&](const std::optional<bool>& was, bool is, Verb verb) {
    return was && *was != is ? Inverse{{ChangeUnit{a.unit, verb}}, {}} : Inverse();
  };
  switch (a.verb) {
    case Verb::start:
    case Verb::restart:
      return back(b.active, true, Verb::stop);
    case Verb::stop:
      return back(b.active, false, Verb::start);
    case Verb::enable:
      return back(b.enabled, true, Verb::disable);
    case Verb::disable:
      return back(b.enabled, false, Verb::enable);
    case Verb::reload:
      break;
  }
  return {};
}

Inverse of(const RunCommand& a, const Before& b) {
  const bool all_new =
      std::all_of(b.paths.begin(), b.paths.end(), [](const SavedPath& p) { return p.kind == Kind::absent; });
  if (!a.bounded || a.creates.empty() || !all_new)
    return {{}, {fmt::format("the command `{}`", short_command_line(a.command.argv))}};
  Inverse result;
  for (auto path = a.creates.rbegin(); path != a.creates.rend(); ++path)
    result.actions.push_back(RemovePath{*path, true});
  return result;
}

Inverse of(const StartTunnel& a, const Before& b) {
  if (b.tunnel) return {{StartTunnel{*b.tunnel}}, {}};
  return {{StopTunnel{a.tunnel.name}}, {}};
}
Inverse of(const StopTunnel&, const Before& b) {
  if (!b.tunnel) return {};
  return {{StartTunnel{*b.tunnel}}, {}};
}

void append(Inverse& to, Inverse more) {
  for (Action& action : more.actions) to.actions.push_back(std::move(action));
  for (std::string& one : more.stays)
    if (!contains(to.stays, one)) to.stays.push_back(std::move(one));
}

const std::string* path_of(const Action& action) {
  return std::visit(
      overloaded{[](const WriteFile& a) { return &a.path; }, [](const CreateSecret& a) { return &a.path; },
                 [](const CreateDirectory& a) { return &a.path; }, [](const CreateLink& a) { return &a.path; },
                 [](const SetAttributes& a) { return &a.path; }, [](const RemovePath& a) { return &a.path; },
                 [](const Download& a) { return &a.path; }, [](const RestorePath& a) { return &a.saved.path; },
                 [](const auto&) -> const std::string* { return nullptr; }},
      action);
}

}  // namespace

Inverse inverse(const Action& action, const Before& before) {
  return std::visit([&](const auto& a) { return of(a, before); }, action);
}

namespace {

// What was there before, for an action within a list: an earlier one may have removed it. Captured paths have
// links resolved, paths in actions do not.
Before found_by(std::size_t i, const std::vector<Action>& actions, const std::vector<Before>& before) {
  Before was = i < before.size() ? before[i] : Before();
  const std::string* path = path_of(actions[i]);
  for (std::size_t earlier = 0; earlier < i; ++earlier) {
    const auto* removed = std::get_if<RemovePath>(&actions[earlier]);
    if (!removed) continue;
    const bool captured = earlier < before.size() && !before[earlier].paths.empty();
    const std::string& gone = captured ? before[earlier].paths.front().path : removed->path;
    if (path && is_within(*path, removed->path) && !was.paths.empty()) {
      was.paths = {SavedPath{.path = gone + path->substr(removed->path.size())}};
      was.not_kept.clear();
    }
    for (SavedPath& one : was.paths)
      if (is_within(one.path, gone)) one = SavedPath{.path = one.path};
  }
  return was;
}

// Whether an earlier one of the actions created the object at the path, so that its inverse removes it: a
// folder is restored twice, the second time for what was put into it in between.
bool is_restored_before(std::size_t i, const std::vector<Action>& actions, const Before& was) {
  const auto* again = std::get_if<RestorePath>(&actions[i]);
  if (!again || was_there(was)) return false;
  return std::any_of(actions.begin(), actions.begin() + static_cast<std::ptrdiff_t>(i),
                     [&](const Action& earlier) {
                       const auto* restore = std::get_if<RestorePath>(&earlier);
                       return restore && restore->saved.path == again->saved.path;
                     });
}

}  // namespace

Inverse inverse(const std::vector<Action>& actions, const std::vector<Before>& before) {
  Inverse result;
  std::vector<std::string> moved;  // created by these actions, and renamed by a later one of them
  const auto is_moved = [&](const std::string& path) {
    return std::any_of(moved.begin(), moved.end(),
                       [&](const std::string& from) { return is_within(path, from); });
  };
  for (std::size_t i = actions.size(); i-- > 0;) {
    const Action& action = actions[i];
    const Before was = found_by(i, actions, before);
    if (is_restored_before(i, actions, was)) continue;
    // What is at `from` was captured too: it comes second.
    const auto* rename = std::get_if<RenamePath>(&action);
    if (rename && was.paths.size() > 1 && was.paths[1].kind == Kind::absent) {
      moved.push_back(rename->from);
      result.actions.push_back(RemovePath{rename->to, true});
      if (was_there(was)) result.actions.push_back(RestorePath{was.paths.front(), {}});
      continue;
    }
    const auto* run = std::get_if<RunCommand>(&action);
    const std::string* path = path_of(action);
    if (path && is_moved(*path) && !was_there(was)) continue;
    if (run && run->bounded && !run->creates.empty() &&
        std::all_of(run->creates.begin(), run->creates.end(), is_moved))
      continue;
    append(result, inverse(action, was));
  }
  return result;
}

}  // namespace mlops
