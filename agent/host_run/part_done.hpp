// Whether an interrupted step explains the current state.
#pragma once

#include <vector>

#include "domains/before.hpp"
#include "machine/machine.hpp"

namespace mlops {

// Whether each path that these actions remove or restore is absent, as it was before them, or as they leave it.
// False: somebody else changed one of them. Content that was not kept, and anything that is not a path, cannot
// be compared: it counts as explained by the actions.
bool is_part_done(const std::vector<Action>& actions, const std::vector<Before>& before,
                  const MachineReader& machine);

}  // namespace mlops
