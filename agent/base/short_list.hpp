// A list in a message.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace mlops {

// "a, b, c and 2 more".
inline std::string short_list(const std::vector<std::string>& items) {
  constexpr std::size_t named = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(named, items.size()); ++i) text += (i ? ", " : "") + items[i];
  if (items.size() > named) text += " and " + std::to_string(items.size() - named) + " more";
  return text;
}

}  // namespace mlops
