// Whether what an action would bring about is so already.
#pragma once

#include <vector>

#include "machine/machine.hpp"

namespace mlops {

// Of actions that are performed in this order: whether all is as they would leave it. False for what cannot be seen: a
// restart, a program.
bool is_satisfied(const std::vector<Action>& actions, const MachineReader& machine);
// The same of one.
bool is_satisfied(const Action& action, const MachineReader& machine);

}  // namespace mlops
