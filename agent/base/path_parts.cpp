#include "base/path_parts.hpp"

#include <algorithm>

namespace mlops {

std::deque<std::string> path_parts(const std::string& path) {
  std::deque<std::string> parts;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    if (end > from) parts.push_back(path.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

}  // namespace mlops
