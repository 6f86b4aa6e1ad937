#include "domains/is_satisfied.hpp"

#include <algorithm>

#include "domains/files/paths.hpp"

namespace mlops {

bool is_satisfied(const Action& action, const MachineReader& machine) {
  return std::visit([&](const auto& a) { return satisfied(a, machine); }, action);
}

// Only the last action on a path determines its expected state.
bool is_satisfied(const std::vector<Action>& actions, const MachineReader& machine) {
  std::vector<std::string> settled;
  for (auto action = actions.rbegin(); action != actions.rend(); ++action) {
    const std::string* path = path_of(*action);
    const auto over = [&](const std::string& later) {
      return is_within(*path, later) || is_within(later, *path);
    };
    if (path && std::any_of(settled.begin(), settled.end(), over)) {
      if (std::find(settled.begin(), settled.end(), *path) != settled.end()) continue;
      if (!std::holds_alternative<RestorePath>(*action)) continue;
    }
    if (!is_satisfied(*action, machine)) return false;
    if (path) settled.push_back(*path);
    if (const auto* rename = std::get_if<RenamePath>(&*action)) settled.push_back(rename->from);
  }
  return true;
}

}  // namespace mlops
