// What a module answers: the difference between desired and current, for people and for the machine.
#pragma once

#include <vector>

#include "domains/action.hpp"
#include "model/change.hpp"

namespace mlops {

// A module's answer: what differs, and what would make it equal. Both empty: in the desired state.
struct Diff {
  std::vector<Change> changes;
  std::vector<Action> actions;
  bool empty() const { return changes.empty() && actions.empty(); }
};

}  // namespace mlops
