// Suggests the closest valid word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// Damerau–Levenshtein distance (optimal string alignment), in bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);
// The candidate that word was most likely meant to be; "" if none is close (within a third of its length, at
// least 1; differences in case always count as close).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// "did you mean `x`?", or "" if no candidate is close.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace mlops
