#include "host_run/is_satisfied.hpp"

#include <algorithm>

#include "domains/files/paths.hpp"

namespace mlops {
namespace {

template <class T>
bool matches(const std::optional<T>& wanted, const T& is) {
  return !wanted || *wanted == is;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Whether the hard link's other name is a separate file with the same content and attributes. If those differ,
// the link has yet to be restored, or somebody changed the file.
bool is_apart(const SavedPath& saved, const FileStatus& s, const FileReader& files) {
  const auto other = files.status(saved.hard_link);
  return other && other->type == FileType::regular && other->inode != s.inode && other->mode == saved.mode &&
         other->owner == saved.owner && other->group == saved.group &&
         files.sha256(saved.hard_link) == saved.digest;
}

bool restored(const SavedPath& saved, const FileReader& files) {
  const auto found = files.view(saved.path, 0);
  if (saved.kind == SavedPath::Kind::absent) return !found;
  if (!found) return false;
  const FileStatus& s = found->status;
  if (s.owner != saved.owner || s.group != saved.group) return false;
  switch (saved.kind) {
    case SavedPath::Kind::link:
      return s.type == FileType::symlink && found->target == saved.target;
    case SavedPath::Kind::folder:
      return s.type == FileType::directory && s.mode == saved.mode;
    case SavedPath::Kind::file:
      if (!saved.hard_link.empty() && is_apart(saved, s, files)) return false;
      return s.type == FileType::regular && s.mode == saved.mode &&
             (saved.digest.empty() || files.sha256(saved.path) == saved.digest);
    default:
      return false;
  }
}

// For paths below a restored tree. The tree was restored as a whole, through descriptors; if parts of it belong
// to several users, root does not walk it again.
bool restored_below(const SavedPath& saved, const FileReader& files) try {
  return restored(saved, files);
} catch (const Error& e) {
  if (e.kind() != ErrorKind::unsafe_path) throw;
  return true;
}

bool is_there(const PackageReader& packages, const std::string& name) {
  const auto found = packages.installed(name);
  return found && (found->state == PackageState::installed || found->state == PackageState::interrupted);
}

bool are_marked(const PackageReader& packages, const std::vector<std::string>& names, bool automatic) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto found = packages.installed(name);
    return !found || found->automatic == automatic;
  });
}

bool has_state(const ChangeUnit& a, const Unit& unit) {
  switch (a.verb) {
    case ChangeUnit::Verb::start:
      return unit.active();
    case ChangeUnit::Verb::stop:
      return !unit.active();
    case ChangeUnit::Verb::enable:
      return unit.enabled();
    case ChangeUnit::Verb::disable:
      return !unit.enabled();
    default:
      return false;
  }
}

}  // namespace

bool is_satisfied(const Action& action, const MachineReader& m) {
  return std::visit(
      overloaded{
          [&](const RestorePath& a) {
            return restored(a.saved, m.files()) &&
                   std::all_of(a.below.begin(), a.below.end(),
                               [&](const SavedBelow& b) { return restored_below(b.saved, m.files()); });
          },
          [&](const RemovePath& a) { return !m.files().exists(a.path); },
          [&](const RenamePath& a) { return m.files().exists(a.to) && !m.files().exists(a.from); },
          [&](const SetAttributes& a) {
            const auto s = m.files().status(a.path);
            return s && matches(a.mode, s->mode) && (a.owner.empty() || a.owner == s->owner) &&
                   (a.group.empty() || a.group == s->group);
          },
          [&](const CreateGroup& a) { return m.accounts().group(a.name).has_value(); },
          [&](const ChangeGroup& a) {
            const auto g = m.accounts().group(a.name);
            return g && g->gid == a.gid;
          },
          [&](const RemoveGroup& a) { return !m.accounts().group(a.name); },
          [&](const CreateUser& a) {
            const auto u = m.accounts().user(a.name);
            return u && (!a.uid || u->uid == a.uid) && (a.group.empty() || a.group == u->group) &&
                   std::all_of(a.groups.begin(), a.groups.end(),
                               [&](const auto& g) { return contains(u->groups, g); });
          },
          [&](const ChangeUser& a) {
            const auto u = m.accounts().user(a.name);
            return u && (!a.uid || u->uid == a.uid) && matches(a.group, u->group) && matches(a.home, u->home) &&
                   matches(a.shell, u->shell) && matches(a.comment, u->comment);
          },
          [&](const RemoveUser& a) { return !m.accounts().user(a.name); },
          [&](const ChangeMembership& a) {
            const auto u = m.accounts().user(a.user);
            return u &&
                   std::all_of(a.add.begin(), a.add.end(),
                               [&](const auto& g) { return contains(u->groups, g); }) &&
                   std::none_of(a.remove.begin(), a.remove.end(),
                                [&](const auto& g) { return contains(u->groups, g); });
          },
          [&](const RemovePackages& a) {
            return std::none_of(a.names.begin(), a.names.end(),
                                [&](const auto& n) { return is_there(m.packages(), n); });
          },
          [&](const InstallPackages& a) {
            return std::all_of(a.expected.begin(), a.expected.end(),
                               [&](const PackageChange& c) {
                                 const auto found = m.packages().installed(c.name);
                                 return found && found->state == PackageState::installed &&
                                        found->version == c.version_after;
                               }) &&
                   are_marked(m.packages(), a.automatic, true) && are_marked(m.packages(), a.manual, false);
          },
          [&](const ChangeUnit& a) { return has_state(a, m.services().unit(a.unit)); },
          [&](const StartTunnel& a) {
            const auto t = m.tunnels().tunnel(a.tunnel.name);
            return t && t->settings == a.tunnel;
          },
          [&](const StopTunnel& a) { return !m.tunnels().tunnel(a.name); }, [](const auto&) { return false; }},
      action);
}

namespace {

// Only the last action on a path determines its expected state.
const std::string* path_of(const Action& action) {
  return std::visit(
      overloaded{[](const RestorePath& a) { return &a.saved.path; },
                 [](const RemovePath& a) { return &a.path; }, [](const RenamePath& a) { return &a.to; },
                 [](const SetAttributes& a) { return &a.path; },
                 [](const auto&) -> const std::string* { return nullptr; }},
      action);
}

}  // namespace

bool is_satisfied(const std::vector<Action>& actions, const MachineReader& machine) {
  std::vector<std::string> settled;
  for (auto action = actions.rbegin(); action != actions.rend(); ++action) {
    const std::string* path = path_of(*action);
    const auto over = [&](const std::string& later) {
      return is_within(*path, later) || is_within(later, *path);
    };
    if (path && std::any_of(settled.begin(), settled.end(), over)) {
      if (contains(settled, *path)) continue;
      if (!std::holds_alternative<RestorePath>(*action)) continue;
    }
    if (!is_satisfied(*action, machine)) return false;
    if (path) settled.push_back(*path);
    if (const auto* rename = std::get_if<RenamePath>(&*action)) settled.push_back(rename->from);
  }
  return true;
}

}  // namespace mlops
