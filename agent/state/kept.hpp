// Actions, what they replace, and changes as the journal keeps them: JSON that a later version still reads. What may
// hold secrets or is large is left out: content, what a program reads, and values of its environment.
#pragma once

#include <optional>
#include <vector>

#include "domains/action.hpp"
#include "domains/diff.hpp"
#include "model/value.hpp"
#include "state/before.hpp"

namespace mlops {

Value to_kept(const Action& action);
Value to_kept(const Before& before);
// What is sensitive is "***", and its text diff is left out.
Value to_kept(const Change& change);

// Members that are missing keep their defaults. Absent for an action that this version does not know.
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
