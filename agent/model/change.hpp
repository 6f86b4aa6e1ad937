// Differences between desired and current state, as data for people.
#pragma once

#include <string>

#include "model/value.hpp"

namespace mlops {

// One property that differs.
struct Change {
  // A state change must be gone on the next inspection. An event (a restart, a command that always runs) is
  // exempt.
  enum class Kind { state, event };

  std::string property;    // "mode", "content", "groups", "running"; "exists" for presence itself
  Value before;            // null: absent, or not known
  Value after;             // null: it is removed
  bool sensitive = false;  // before and after are shown as ***
  Kind kind = Kind::state;
  std::string text_diff;  // a unified diff, for text content; "" otherwise
};

}  // namespace mlops
