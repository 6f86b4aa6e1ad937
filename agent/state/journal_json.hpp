// Actions, what they replace, and changes as stored in the journal: JSON that later versions can still read.
// Anything large or possibly secret is left out: content, a program's input, and values of its environment.
#pragma once

#include <optional>
#include <vector>

#include "domains/action.hpp"
#include "domains/before.hpp"
#include "domains/diff.hpp"
#include "model/value.hpp"

namespace mlops {

Value to_kept(const Action& action);
Value to_kept(const Before& before);
// Sensitive values are "***", and their text diff is left out.
Value to_kept(const Change& change);

// Missing members keep their defaults. Absent for an action that this version does not know.
std::optional<Action> kept_action(const Value& kept);
Before kept_before(const Value& kept);
Change kept_change(const Value& kept);

template <class T>
Value to_kept_list(const T& items) {
  Value::Array list;
  for (const auto& item : items) list.push_back(to_kept(item));
  return Value(std::move(list));
}

}  // namespace mlops
