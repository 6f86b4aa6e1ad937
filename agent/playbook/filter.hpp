// The filters of {{ path | filter }}.
#pragma once

#include <optional>
#include <string>

#include "playbook/placeholder.hpp"

namespace mlops {

struct FilterMistake {
  std::string message, hint;
};

// Mistakes in the call that do not depend on the value: an unknown name (with the closest known one), wrong
// arguments.
std::optional<FilterMistake> check_filter(const FilterCall& call);

// The filter's result. Throws FilterMistake if the value is of an unsupported type. `default` is not
// applied here: it is for missing values.
//   lower, upper       ASCII letters of a text
//   basename, dirname  as the programs of these names (POSIX)
//   join(separator)    a list as one text
//   json               as compact JSON
//   quote              in single quotes for a POSIX shell; a list: each of its elements, with spaces between
Value apply_filter(const FilterCall& call, const Value& value);

}  // namespace mlops
