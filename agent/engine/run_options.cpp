#include "engine/run_options.hpp"

#include <algorithm>

namespace mlops {

bool is_selected(const RunOptions& options, const Resource& resource) {
  if (options.only.empty() && options.tags.empty()) return true;
  const auto has = [](const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  if (has(options.only, resource.id)) return true;
  return std::any_of(resource.tags.begin(), resource.tags.end(),
                     [&](const std::string& tag) { return has(options.tags, tag); });
}

}  // namespace mlops
