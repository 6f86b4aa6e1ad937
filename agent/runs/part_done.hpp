// Whether a step that was interrupted explains what is there now.
#pragma once

#include <vector>

#include "machine/machine.hpp"
#include "state/before.hpp"

namespace mlops {

// Whether each path that these actions remove or restore is absent, as it was before them, or as they leave it. False:
// somebody else changed one of them. What was not kept, and what is no path, cannot be told apart: it counts as theirs.
bool is_part_done(const std::vector<Action>& actions, const std::vector<Before>& before, const MachineReader& machine);

}  // namespace mlops
