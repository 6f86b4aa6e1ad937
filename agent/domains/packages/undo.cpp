// How package transactions are reverted.
#include <algorithm>
#include <utility>

#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/domains.hpp"
#include "domains/inverse.hpp"
#include "domains/packages/presence.hpp"

namespace mlops {
namespace {

// Configuration files of packages of which nothing else is left: installing would replace them.
void capture_configuration(const std::vector<PackageChange>& changes, CaptureBefore& c, Before& b) {
  for (const PackageChange& change : changes) {
    const auto found = c.dpkg().installed(change.name);
    if (!found || found->state != PackageState::config_files) continue;
    for (const std::string& path : c.dpkg().configuration_files(change.name)) c.whole_if_kept(path, b);
  }
}

bool are_marked(const PackageReader& packages, const std::vector<std::string>& names, bool automatic) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto found = packages.installed(name);
    return !found || found->automatic == automatic;
  });
}

Inverse inverse_of_transaction(const Before& b) {
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
    if (path.kind != SavedPath::Kind::absent) result.actions.push_back(RestorePath{path});
  return result;
}

void touch_changed(const Before& b, Things& things) {
  for (const PackageChange& change : b.packages) things.insert("package " + change.name);
}

}  // namespace

void capture(const InstallPackages& a, CaptureBefore& c, Before& b) {
  b.package_list = c.keep(c.package_list());
  capture_configuration(a.expected, c, b);
}
void capture(const RemovePackages&, CaptureBefore& c, Before& b) { b.package_list = c.keep(c.package_list()); }
void capture(const RepairPackages&, CaptureBefore& c, Before& b) { b.package_list = c.keep(c.package_list()); }
// An older index is of no use to anybody.
void capture(const RefreshIndex&, CaptureBefore&, Before&) {}

Inverse invert(const InstallPackages& a, const Before& b) {
  Inverse result = inverse_of_transaction(b);
  if (!a.manual.empty()) result.actions.push_back(InstallPackages{.automatic = a.manual});
  return result;
}
Inverse invert(const RemovePackages&, const Before& b) { return inverse_of_transaction(b); }
Inverse invert(const RepairPackages&, const Before&) { return {}; }
Inverse invert(const RefreshIndex&, const Before&) { return {}; }

bool satisfied(const InstallPackages& a, const MachineReader& m) {
  return std::all_of(a.expected.begin(), a.expected.end(),
                     [&](const PackageChange& c) {
                       const auto found = m.packages().installed(c.name);
                       return found && found->state == PackageState::installed &&
                              found->version == c.version_after;
                     }) &&
         are_marked(m.packages(), a.automatic, true) && are_marked(m.packages(), a.manual, false);
}
bool satisfied(const RemovePackages& a, const MachineReader& m) {
  return std::none_of(a.names.begin(), a.names.end(),
                      [&](const std::string& name) { return is_there(m.packages(), name); });
}
bool satisfied(const RepairPackages&, const MachineReader&) { return false; }
bool satisfied(const RefreshIndex&, const MachineReader&) { return false; }

void touch(const InstallPackages&, const Before& b, Things& things) { touch_changed(b, things); }
void touch(const RemovePackages&, const Before& b, Things& things) { touch_changed(b, things); }
void touch(const RepairPackages&, const Before& b, Things& things) { touch_changed(b, things); }
void touch(const RefreshIndex&, const Before&, Things&) {}

// A newer version of a package is still that package.
std::optional<std::string> fingerprint(PackagesDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& m) {
  if (kind != "package") return std::nullopt;
  return is_there(m.packages(), name) ? "installed" : "absent";
}

}  // namespace mlops
