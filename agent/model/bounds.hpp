// Limits on the depth and size of a playbook's values: as written, and once filled in.
#pragma once

#include <cstddef>

namespace mlops {

// Nested lists and objects, and vars that refer to vars. Code that walks values recurses for each level, so
// this also bounds the stack.
inline constexpr std::size_t deepest_nesting = 200;

// Bytes of memory that one value may take after filling in: texts, names and the values themselves.
inline constexpr std::size_t largest_filled = 16 << 20;

}  // namespace mlops
