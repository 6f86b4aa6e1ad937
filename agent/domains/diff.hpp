// The difference between desired and current state, for people and for the machine.
#pragma once

#include <string>
#include <vector>

#include "domains/action.hpp"
#include "model/change.hpp"

namespace mlops {

// A module's answer: the differences, and the actions that remove them. Both empty: converged.
struct Diff {
  std::vector<Change> changes;
  std::vector<Action> actions;
  // What the actions lose for good that nobody asked to lose, as a sentence without its end; "": nothing. An
  // apply makes them only with the person's consent.
  std::string loss = {};
  bool empty() const { return changes.empty() && actions.empty(); }
};

}  // namespace mlops
