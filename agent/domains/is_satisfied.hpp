// Checks whether the effect of an action is already present.
#pragma once

#include <cstddef>
#include <vector>

#include "domains/action.hpp"
#include "domains/domains.hpp"

namespace mlops {

// Whether the machine is in the state that these actions, performed in this order, would leave. False for
// effects that cannot be inspected: a restart, a program.
bool is_satisfied(const std::vector<Action>& actions, const MachineReader& machine);
// The same for one action.
bool is_satisfied(const Action& action, const MachineReader& machine);

// Of a removal (actions[i]) whose path a later one restores as a folder: whether that is there, without what
// was removed. False if there is no such later one.
bool is_replaced_by_folder(const std::vector<Action>& actions, std::size_t i, const MachineReader& machine);

}  // namespace mlops
