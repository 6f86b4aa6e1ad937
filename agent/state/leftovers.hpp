// Files that interrupted steps leave behind.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/before.hpp"

namespace mlops {

// Whether this program uses such a name for staging: ".motd.mlops-agent-new".
bool is_staging_name(std::string_view name);

// Absolute paths that may exist after these actions were interrupted, and that belong to no resource: temporary
// files, folders that were to be renamed, and partial results of a bounded program. before: what each action
// replaced.
std::vector<std::string> leftovers(const std::vector<Action>& actions, const std::vector<Before>& before);

}  // namespace mlops
