// Files that interrupted steps leave behind.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domains/action.hpp"
#include "domains/before.hpp"

namespace mlops {

// Whether this program uses such a name for staging: ".motd.mlops-agent-new".
bool is_staging_name(std::string_view name);

// Absolute paths that may exist after these actions were interrupted, and that belong to no resource: temporary
// files, folders that were to be renamed, and partial results of a bounded program. before: what each action
// replaced.
std::vector<std::string> leftovers(const std::vector<Action>& actions, const std::vector<Before>& before);

// Collects them; what each action adds for itself (add_leftovers) is about the current one.
class LeftoverSearch {
 public:
  LeftoverSearch(const std::vector<Action>& actions, const std::vector<Before>& before)
      : actions_(actions), before_(before) {}
  std::vector<std::string> collect();

  // The temporary file beside a path that the action writes to, the i-th captured; suffix as for
  // temporary_name.
  void add_staged(const std::string& path, const char* suffix, std::size_t i = 0);
  // What the action makes as the i-th captured path, if nothing was there.
  void add_made(std::size_t i, const std::string& path);

 private:
  const SavedPath* captured(std::size_t i) const;
  std::string real(std::size_t i, const std::string& given) const;
  bool was_removed_first(const std::string& path) const;

  const std::vector<Action>& actions_;
  const std::vector<Before>& before_;
  std::size_t at_ = 0;
  std::vector<std::string> found_;
};

}  // namespace mlops
