#include "domains/is_satisfied.hpp"

#include <algorithm>

#include "domains/files/paths.hpp"

namespace mlops {
namespace {

// Of a removal whose path a later action restores as a folder: its present state. other: nothing, no folder, or
// there is no such later action.
enum class InPlace { other, as_it_was, restored };

InPlace folder_in_place(const std::vector<Action>& actions, std::size_t i, const MachineReader& machine) {
  const auto* remove = std::get_if<RemovePath>(&actions[i]);
  const auto status = remove ? machine.files().status(remove->path) : std::nullopt;
  if (!status || status->type != FileType::directory) return InPlace::other;
  bool restored = false, filled = false;  // filled: its content is restored, too
  for (std::size_t later = i + 1; later < actions.size(); ++later) {
    const auto* restore = std::get_if<RestorePath>(&actions[later]);
    if (!restore || !is_within(restore->saved.path, remove->path)) continue;
    const bool itself = restore->saved.path == remove->path;
    restored = restored || (itself && restore->saved.kind == SavedPath::Kind::folder);
    filled = filled || !itself || !restore->below.empty();
  }
  if (!restored) return InPlace::other;
  const auto names = machine.files().list(remove->path);
  return filled || !names || names->empty() ? InPlace::restored : InPlace::as_it_was;
}

}  // namespace

bool is_satisfied(const Action& action, const MachineReader& machine) {
  return std::visit([&](const auto& a) { return satisfied(a, machine); }, action);
}

bool is_replaced_by_folder(const std::vector<Action>& actions, std::size_t i, const MachineReader& machine) {
  return folder_in_place(actions, i, machine) == InPlace::restored;
}

// Only the last action on a path determines its expected state; but a folder that is removed and restored is
// without what was in it.
bool is_satisfied(const std::vector<Action>& actions, const MachineReader& machine) {
  std::vector<std::string> settled;
  for (auto action = actions.rbegin(); action != actions.rend(); ++action) {
    const std::string* path = path_of(*action);
    const auto at = static_cast<std::size_t>(actions.rend() - action) - 1;
    const auto over = [&](const std::string& later) {
      return is_within(*path, later) || is_within(later, *path);
    };
    if (path && std::any_of(settled.begin(), settled.end(), over)) {
      if (std::find(settled.begin(), settled.end(), *path) != settled.end()) {
        if (folder_in_place(actions, at, machine) == InPlace::as_it_was) return false;
        continue;
      }
      if (!std::holds_alternative<RestorePath>(*action)) continue;
    }
    if (!is_satisfied(*action, machine)) return false;
    if (path) settled.push_back(*path);
    if (const auto* rename = std::get_if<RenamePath>(&*action)) settled.push_back(rename->from);
  }
  return true;
}

}  // namespace mlops
