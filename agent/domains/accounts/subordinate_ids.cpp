#include "domains/accounts/subordinate_ids.hpp"

#include <algorithm>

namespace mlops {

std::vector<std::string> subordinate_ids(std::string_view text, std::string_view user) {
  std::vector<std::string> ranges;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.size() > user.size() && line.starts_with(user) && line[user.size()] == ':')
      ranges.emplace_back(line.substr(user.size() + 1));
  }
  return ranges;
}

}  // namespace mlops
