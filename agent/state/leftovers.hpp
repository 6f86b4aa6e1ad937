// What interrupted steps leave beside what they were to make.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "state/before.hpp"

namespace mlops {

// Whether the name is one under which this program stages what it makes: ".motd.mlops-agent-new".
bool is_staging_name(std::string_view name);

// Absolute paths that may be there after these actions were interrupted, and that belong to nobody: temporary files,
// folders that were to be renamed, and what a program had made of its bounded part. before: what each action replaced.
std::vector<std::string> leftovers(const std::vector<Action>& actions, const std::vector<Before>& before);

}  // namespace mlops
