// How deep and how large what a playbook holds may become: as it is written, and once it is filled in.
#pragma once

#include <cstddef>

namespace mlops {

// Lists and objects inside each other, and vars that refer to vars. Everything that walks through values calls
// itself for each level, so this is also what keeps the stack from running out.
inline constexpr std::size_t deepest_nesting = 200;

// Bytes that one value may take in memory through what is filled in: texts, names and the values themselves.
inline constexpr std::size_t largest_filled = 16 << 20;

}  // namespace mlops
