// Whether a value is as asked for, where it is asked for.
#pragma once

#include <optional>

namespace mlops {

// Absent matches everything.
template <class T>
bool matches(const std::optional<T>& wanted, const T& is) {
  return !wanted || *wanted == is;
}

}  // namespace mlops
