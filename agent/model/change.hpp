// Differences between desired and current state, as data for people.
#pragma once

#include <string>

#include "model/value.hpp"

namespace mlops {

// One property that differs.
struct Change {
  // create, remove: the presence of the resource as a whole. update: of one of its properties. These must be
  // gone on the next inspection; an event (a restart, a command that always runs) is exempt. unknown: of the
  // property, more may change than is known now; after says when it will be known.
  enum class Kind { create, remove, update, event, unknown };

  std::string property;    // "mode", "content", "groups", "running"; "exists" of create and remove
  Value before;            // null: absent, or not known
  Value after;             // null: it is removed
  bool sensitive = false;  // before and after are shown as ***
  Kind kind = Kind::update;
  std::string text_diff;  // a unified diff, for text content; "" otherwise

  bool is_event() const { return kind == Kind::event; }
  bool is_state() const { return kind != Kind::event && kind != Kind::unknown; }
  static Change create() {
    return {.property = "exists", .before = false, .after = true, .kind = Kind::create};
  }
  static Change remove() {
    return {.property = "exists", .before = true, .after = false, .kind = Kind::remove};
  }
};

}  // namespace mlops
