#include "domains/capture_before.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "domains/accounts/subordinate_ids.hpp"
#include "domains/files/paths.hpp"
#include "domains/packages/apt_output.hpp"

namespace mlops {
namespace {

// A line of a list of packages.
struct PackageLine {
  std::string version;     // "(configuration)": only its configuration files are left
  bool automatic = false;  // installed automatically as a dependency
};

std::map<std::string, PackageLine> by_name(const std::string& list) {
  std::map<std::string, PackageLine> found;
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

}  // namespace

CaptureBefore::CaptureBefore(const MachineReader& machine, bool strict, uid_t person, CaptureLimits limits,
                             std::string dpkg_folder)
    : machine_(machine),
      names_(accounts_),
      walker_(strict, person),
      limits_(limits),
      dpkg_folder_(std::move(dpkg_folder)),
      dpkg_(dpkg_folder_) {}

void CaptureBefore::invalidate_caches() {
  names_.forget();
  walker_.forget();
}

std::string CaptureBefore::real(const std::string& path, bool follow_last) {
  if (follow_last)
    if (const auto whole = walker_.canonical(path)) return *whole;
  const auto folder = walker_.canonical_folder(path);
  return folder ? join_path(*folder, name_of(path)) : path;
}

void CaptureBefore::attributes(const std::string& path, Before& into) {
  into.paths.push_back(capture_attributes(walker_, names_, path));
}

void CaptureBefore::whole(const std::string& path, Before& into) {
  Captured found = capture_path(walker_, names_, path, limits_, *keep_);
  into.paths = std::move(found.paths);
  into.not_kept = std::move(found.not_kept);
}

void CaptureBefore::whole_if_kept(const std::string& path, Before& into) {
  const Captured found = capture_path(walker_, names_, path, limits_, *keep_);
  if (found.not_kept.empty()) into.paths.insert(into.paths.end(), found.paths.begin(), found.paths.end());
}

void CaptureBefore::tree(const std::string& path, Before& into) {
  Captured found = capture_tree(walker_, names_, path, limits_, *keep_);
  into.paths = std::move(found.paths);
  into.not_kept = std::move(found.not_kept);
}

bool CaptureBefore::attributes_of_secret(const std::string& path, Before& into) {
  SavedPath found = capture_attributes(walker_, names_, path);
  if (found.kind != SavedPath::Kind::file) return false;
  into.paths.push_back(std::move(found));
  into.not_kept = "it may hold a secret";
  return true;
}

Before CaptureBefore::before(const Action& action, const KeepContent& keep) {
  Before b;
  keep_ = &keep;
  std::visit([&](const auto& a) { capture(a, *this, b); }, action);
  return b;
}

std::string CaptureBefore::package_list() const {
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
  const auto version = [](const std::map<std::string, PackageLine>& list, const std::string& name) {
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

Things things_of(const Action& action, const Before& before) {
  Things things;
  std::visit([&](const auto& a) { touch(a, before, things); }, action);
  return things;
}

namespace {

template <class... Domain>
std::string fingerprint_of(const std::string& kind, const std::string& name, const MachineReader& machine,
                           TypeList<Domain...>) {
  std::optional<std::string> found;
  static_cast<void>(((found = fingerprint(Domain{}, kind, name, machine)) || ...));
  return found.value_or("");
}

}  // namespace

std::string fingerprint_of(const std::string& text, const MachineReader& machine) try {
  const std::size_t blank = text.find(' ');
  return fingerprint_of(text.substr(0, blank), text.substr(std::min(text.size(), blank + 1)), machine,
                        Domains{});
} catch (const Error&) {
  return "";
}

std::string fingerprint_of(const ClaimedObject& object, const MachineReader& machine) {
  return fingerprint_of(to_string(object), machine);
}

}  // namespace mlops
