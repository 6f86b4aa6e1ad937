// The nearest right word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// Damerau–Levenshtein distance (optimal string alignment), in bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);
// The candidate that word was most likely meant to be; "" when none is near (further than a third of its length,
// at least 1; case alone never counts as far).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// "did you mean `x`?", or "" when none is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace mlops
