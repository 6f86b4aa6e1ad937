// Everything that can be done to a machine: the actions of all domains. Modules return them, machines perform
// them.
#pragma once

#include "base/overloaded.hpp"
#include "domains/domains.hpp"

namespace mlops {

using Action = AllActions::Variant;

// What each action states of itself.
inline const ActionTraits& traits_of(const Action& action) {
  return std::visit([](const auto& a) -> const ActionTraits& { return a.traits; }, action);
}

// The path that it writes to, removes or restores; of a rename, the new one. Null if it is of no one path.
inline const std::string* path_of(const Action& action) {
  return std::visit([](const auto& a) { return target_path(a); }, action);
}

}  // namespace mlops
