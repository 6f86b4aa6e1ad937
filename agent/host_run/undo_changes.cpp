#include "host_run/undo_changes.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text_diff.hpp"

namespace mlops {
namespace {

constexpr const char *removed = "removed", *purged = "purged";

// "+libjq1:amd64" is a change of libjq1.
std::string_view package_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return text.substr(0, text.find(':'));
}

bool is_of(const Change& change, const std::string& package) {
  return change.is_state() && package_of(change.property) == package_of(package);
}

}  // namespace

std::vector<Change> turned(const std::string& type, const std::vector<Change>& changes) {
  std::vector<Change> back;
  for (const Change& change : changes) {
    if (!change.is_state()) continue;
    Change turn = change;
    std::swap(turn.before, turn.after);
    turn.text_diff = reversed_diff(change.text_diff);
    if (change.kind == Change::Kind::remove) turn.kind = Change::Kind::create;
    if (change.kind == Change::Kind::create) {
      turn.kind = Change::Kind::remove;
      return {turn};
    }
    // A reinstalled package is shown as a new one.
    if (type == "package" && (turn.before == Value(removed) || turn.before == Value(purged))) turn.before = {};
    back.push_back(std::move(turn));
  }
  return back;
}

void name_removals(std::vector<Change>& changes, const RemovePackages& remove,
                   const std::vector<std::string>& gone, const PackageReader& packages) {
  std::erase_if(changes, [&](const Change& change) {
    return std::any_of(gone.begin(), gone.end(), [&](const std::string& name) { return is_of(change, name); });
  });
  for (const std::string& name : remove.names) {
    auto change = std::find_if(changes.begin(), changes.end(), [&](const Change& c) { return is_of(c, name); });
    if (change == changes.end()) change = changes.insert(changes.end(), {.property = "+" + name});
    const auto found = packages.installed(name);
    if (found && !found->version.empty()) change->before = found->version;
    const bool all = std::find(remove.purged.begin(), remove.purged.end(), name) != remove.purged.end();
    change->after = all ? purged : removed;
  }
}

}  // namespace mlops
