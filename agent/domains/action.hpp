// Everything that can be done to a machine: the actions of all domains. Modules return them, machines perform
// them.
#pragma once

#include <string>

#include "domains/domains.hpp"

namespace mlops {

using Action = AllActions::Variant;

// What the action states of itself.
const ActionTraits& traits_of(const Action& action);

// The path that it writes to, removes or restores; of a rename, the new one. Null if it is of no one path.
const std::string* path_of(const Action& action);

}  // namespace mlops
