#include "state/capture_before.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "domains/accounts/subordinate_ids.hpp"
#include "domains/files/paths.hpp"
#include "domains/packages/apt_output.hpp"

namespace mlops {
namespace {

using Kind = SavedPath::Kind;

// A line of a list of packages.
struct Listed {
  std::string version;     // "(configuration)": only its configuration files are left
  bool automatic = false;  // installed automatically as a dependency
};

std::map<std::string, Listed> by_name(const std::string& list) {
  std::map<std::string, Listed> found;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, version, mark;
    if (words >> name >> version) found[name] = {version, static_cast<bool>(words >> mark)};
  }
  return found;
}

// What apt has marked as automatically installed, as "name:architecture"; empty if nothing is.
std::set<std::string> automatic_packages(const std::string& dpkg_folder) {
  std::ifstream file(dpkg_folder.substr(0, dpkg_folder.rfind('/')) + "/apt/extended_states");
  return parse_automatic(std::string(std::istreambuf_iterator<char>(file), {}));
}

constexpr const char* configuration = "(configuration)";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += " " + word;
  return text;
}

std::string fingerprint_of_user(const std::optional<UserAccount>& u) {
  if (!u) return "absent";
  return fmt::format("user {} {} `{}` {} {} in{}", u->uid.value_or(0), u->group, u->comment, u->home, u->shell,
                     joined(u->groups));
}
std::string fingerprint_of_group(const std::optional<GroupAccount>& g) {
  return g ? fmt::format("group {}", g->gid.value_or(0)) : "absent";
}
// A newer version of a package is still that package.
std::string fingerprint_of_package(const std::optional<InstalledPackage>& p) {
  const bool there = p && (p->state == PackageState::installed || p->state == PackageState::interrupted);
  return there ? "installed" : "absent";
}
std::string fingerprint_of_unit(const Unit& u) {
  return fmt::format("{}, {}", u.active() ? "active" : "inactive", u.enabled() ? "enabled" : "not enabled");
}
std::string fingerprint_of_tunnel(const std::optional<TunnelView>& t) {
  if (!t) return "absent";
  return fmt::format("tunnel {} via {} to {}", t->settings.listen.to_text(), t->settings.via,
                     t->settings.target.to_text());
}

std::string thing(const char* kind, const std::string& name) { return fmt::format("{} {}", kind, name); }

}  // namespace

BeforeCapture::BeforeCapture(const MachineReader& machine, bool strict, uid_t person, CaptureLimits limits,
                             std::string dpkg_folder)
    : machine_(machine),
      names_(accounts_),
      walker_(strict, person),
      limits_(limits),
      dpkg_folder_(std::move(dpkg_folder)),
      dpkg_(dpkg_folder_) {}

void BeforeCapture::invalidate_caches() {
  names_.forget();
  walker_.forget();
}

std::string BeforeCapture::real(const std::string& path, bool follow_last) {
  if (follow_last)
    if (const auto whole = walker_.canonical(path)) return *whole;
  const auto folder = walker_.canonical_folder(path);
  return folder ? join_path(*folder, name_of(path)) : path;
}

void BeforeCapture::whole(const std::string& path, const KeepContent& keep, Before& into) {
  Captured found = capture_path(walker_, names_, path, limits_, keep);
  into.paths = std::move(found.paths);
  into.not_kept = std::move(found.not_kept);
}

// Content that may hold a secret is not kept: only a file has content. False if there is none.
bool BeforeCapture::unseen(const std::string& path, Before& into) {
  SavedPath found = capture_attributes(walker_, names_, path);
  if (found.kind != Kind::file) return false;
  into.paths.push_back(std::move(found));
  into.not_kept = "it may hold a secret";
  return true;
}

Before BeforeCapture::before(const Action& action, const KeepContent& keep) {
  Before b;
  const auto attributes = [&](const std::string& path) {
    b.paths.push_back(capture_attributes(walker_, names_, path));
  };
  const auto tree = [&](const std::string& path) {
    Captured found = capture_tree(walker_, names_, path, limits_, keep);
    b.paths = std::move(found.paths);
    b.not_kept = std::move(found.not_kept);
  };
  const auto account = [&](const std::string& user) {
    b.user = machine_.accounts().user(user);
    b.group = machine_.accounts().group(b.user ? b.user->group : user);
  };
  const auto packages = [&] { b.package_list = keep(package_list()); };
  const auto configuration_of = [&](const std::vector<PackageChange>& some) {
    for (const PackageChange& change : some) {
      const auto found = dpkg_.installed(change.name);
      if (!found || found->state != PackageState::config_files) continue;
      for (const std::string& path : dpkg_.configuration_files(change.name)) {
        Captured kept = capture_path(walker_, names_, path, limits_, keep);
        if (kept.not_kept.empty()) b.paths.insert(b.paths.end(), kept.paths.begin(), kept.paths.end());
      }
    }
  };
  std::visit(
      overloaded{[&](const WriteFile& a) {
                   const std::string path = real(a.path, !a.replace_link);
                   if (!a.sensitive || !unseen(path, b)) whole(path, keep, b);
                 },
                 [&](const CreateSecret& a) { whole(real(a.path, true), keep, b); },
                 [&](const Download& a) { whole(real(a.path, true), keep, b); },
                 [&](const RestorePath& a) {
                   const bool attributes_alone = a.saved.kind == Kind::file && a.saved.digest.empty();
                   attributes_alone ? attributes(real(a.saved.path, false)) : tree(real(a.saved.path, false));
                 },
                 [&](const CreateDirectory& a) { attributes(real(a.path, false)); },
                 [&](const CreateLink& a) { attributes(real(a.path, false)); },
                 [&](const SetAttributes& a) { attributes(real(a.path, true)); },
                 [&](const RemovePath& a) {
                   if (a.sensitive && unseen(real(a.path, false), b)) return;
                   tree(real(a.path, false));
                 },
                 [&](const RenamePath& a) {
                   attributes(real(a.to, false));
                   attributes(real(a.from, false));
                 },
                 [&](const CreateGroup& a) { b.group = machine_.accounts().group(a.name); },
                 [&](const ChangeGroup& a) { b.group = machine_.accounts().group(a.name); },
                 [&](const RemoveGroup& a) { b.group = machine_.accounts().group(a.name); },
                 [&](const CreateUser& a) { account(a.name); },
                 [&](const ChangeUser& a) { account(a.name); },
                 [&](const RemoveUser& a) {
                   account(a.name);
                   b.subuids = subordinate_ids(machine_.files().read("/etc/subuid").value_or(""), a.name);
                   b.subgids = subordinate_ids(machine_.files().read("/etc/subgid").value_or(""), a.name);
                 },
                 [&](const ChangeMembership& a) { account(a.user); },
                 [&](const InstallPackages& a) {
                   packages();
                   configuration_of(a.expected);
                 },
                 [&](const RemovePackages&) { packages(); },
                 [&](const RepairPackages&) { packages(); },
                 [&](const ChangeUnit& a) {
                   const Unit unit = machine_.services().unit(a.unit);
                   b.active = unit.active();
                   b.enabled = unit.enabled();
                 },
                 [&](const RunCommand& a) {
                   for (const std::string& path : a.creates) attributes(real(path, false));
                 },
                 [&](const StartTunnel& a) {
                   if (const auto found = machine_.tunnels().tunnel(a.tunnel.name)) b.tunnel = found->settings;
                 },
                 [&](const StopTunnel& a) {
                   if (const auto found = machine_.tunnels().tunnel(a.name)) b.tunnel = found->settings;
                 }},
      action);
  return b;
}

std::string BeforeCapture::package_list() const {
  std::vector<std::string> lines;
  const std::string& native = dpkg_.native_architecture();
  const std::set<std::string> automatic = automatic_packages(dpkg_folder_);
  for (const DpkgEntry& e : dpkg_.entries()) {
    if (e.state == PackageState::absent) continue;
    const bool foreign = e.architecture != native && e.architecture != "all";
    const bool came_along = automatic.contains(e.name + ":" + (foreign ? e.architecture : native));
    lines.push_back(fmt::format("{}{}{} {}{}\n", e.name, foreign ? ":" : "", foreign ? e.architecture : "",
                                e.state == PackageState::config_files ? configuration : e.version,
                                came_along ? " auto" : ""));
  }
  std::sort(lines.begin(), lines.end());
  std::string list;
  for (const std::string& line : lines) list += line;
  return list;
}

void note_packages(const std::string& before, const std::string& after, Before& into) {
  const auto was = by_name(before), is = by_name(after);
  const auto version = [](const std::map<std::string, Listed>& list, const std::string& name) {
    const auto known = list.find(name);
    return known == list.end() || known->second.version == configuration ? "" : known->second.version;
  };
  std::set<std::string> names;
  for (const auto* list : {&was, &is})
    for (const auto& [name, listed] : *list) names.insert(name);
  for (const std::string& name : names) {
    const std::string had = version(was, name), has = version(is, name);
    if (had == has) continue;
    into.packages.push_back({name, had, has});
    const auto known = was.find(name);
    if (known == was.end()) continue;
    if (had.empty()) into.configured.push_back(name);
    if (!had.empty() && known->second.automatic) into.automatic.push_back(name);
  }
}

std::set<std::string> things_of(const Action& action, const Before& b) {
  std::set<std::string> things;
  const auto path = [&](std::size_t i, const std::string& given, const char* kind = "path") {
    things.insert(thing(kind, i < b.paths.size() ? b.paths[i].path : given));
  };
  const auto packages = [&] {
    for (const PackageChange& change : b.packages) things.insert(thing("package", change.name));
  };
  std::visit(overloaded{[&](const WriteFile& a) { path(0, a.path); },
                        [&](const CreateSecret& a) { path(0, a.path); },
                        [&](const Download& a) { path(0, a.path); },
                        [&](const RestorePath& a) { path(0, a.saved.path, a.below.empty() ? "path" : "tree"); },
                        [&](const CreateDirectory& a) { path(0, a.path); },
                        [&](const CreateLink& a) { path(0, a.path); },
                        [&](const SetAttributes& a) { path(0, a.path); },
                        [&](const RemovePath& a) { path(0, a.path); },
                        [&](const RenamePath& a) {
                          path(0, a.to, "tree");
                          path(1, a.from);
                        },
                        [&](const CreateGroup& a) { things.insert(thing("group", a.name)); },
                        [&](const ChangeGroup& a) { things.insert(thing("group", a.name)); },
                        [&](const RemoveGroup& a) { things.insert(thing("group", a.name)); },
                        [&](const CreateUser& a) { things.insert(thing("user", a.name)); },
                        [&](const ChangeUser& a) { things.insert(thing("user", a.name)); },
                        [&](const RemoveUser& a) { things.insert(thing("user", a.name)); },
                        [&](const ChangeMembership& a) { things.insert(thing("user", a.user)); },
                        [&](const InstallPackages&) { packages(); },
                        [&](const RemovePackages&) { packages(); },
                        [&](const RepairPackages&) { packages(); },
                        [&](const ChangeUnit& a) { things.insert(thing("service", a.unit)); },
                        [&](const RunCommand& a) {
                          // The previous object cannot be restored, so what is below it is of no use.
                          for (std::size_t i = 0; i < a.creates.size(); ++i) {
                            const bool made = i < b.paths.size() && b.paths[i].kind == Kind::absent;
                            path(i, a.creates[i], a.bounded && made ? "tree" : "path");
                          }
                        },
                        [&](const StartTunnel& a) { things.insert(thing("tunnel", a.tunnel.name)); },
                        [&](const StopTunnel& a) { things.insert(thing("tunnel", a.name)); }},
             action);
  return things;
}

std::string fingerprint_of(const std::string& text, const MachineReader& machine) try {
  const std::size_t blank = text.find(' ');
  const std::string kind = text.substr(0, blank), name = text.substr(std::min(text.size(), blank + 1));
  if (kind == "path") return machine.files().fingerprint(name, FileReader::Depth::itself);
  if (kind == "tree") return machine.files().fingerprint(name, FileReader::Depth::tree);
  if (kind == "user") return fingerprint_of_user(machine.accounts().user(name));
  if (kind == "group") return fingerprint_of_group(machine.accounts().group(name));
  if (kind == "package") return fingerprint_of_package(machine.packages().installed(name));
  if (kind == "service") return fingerprint_of_unit(machine.services().unit(name));
  if (kind == "tunnel") return fingerprint_of_tunnel(machine.tunnels().tunnel(name));
  return "";
} catch (const Error&) {
  return "";
}

}  // namespace mlops
