#include "domains/leftovers.hpp"

#include <algorithm>

#include "domains/files/local.hpp"
#include "domains/files/paths.hpp"

namespace mlops {

bool is_staging_name(std::string_view name) {
  return name.starts_with('.') && name.find(".mlops-agent-") != std::string_view::npos;
}

std::vector<std::string> LeftoverSearch::collect() {
  for (at_ = 0; at_ < actions_.size(); ++at_)
    std::visit([this](const auto& action) { mlops::add_leftovers(action, *this); }, actions_[at_]);
  return std::move(found_);
}

// As captured: with links resolved.
const SavedPath* LeftoverSearch::captured(std::size_t i) const {
  return at_ < before_.size() && i < before_[at_].paths.size() ? &before_[at_].paths[i] : nullptr;
}

std::string LeftoverSearch::real(std::size_t i, const std::string& given) const {
  const SavedPath* saved = captured(i);
  return saved ? saved->path : given;
}

bool LeftoverSearch::was_removed_first(const std::string& path) const {
  return std::any_of(actions_.begin(), actions_.begin() + static_cast<std::ptrdiff_t>(at_),
                     [&](const Action& earlier) {
                       const auto* remove = std::get_if<RemovePath>(&earlier);
                       return remove && is_within(path, remove->path);
                     });
}

// Beside the target, as in temporary_name.
void LeftoverSearch::add_staged(const std::string& path, const char* suffix, std::size_t i) {
  const std::string target = real(i, path);
  found_.push_back(join_path(folder_of(target), temporary_name(std::string(name_of(target)), suffix)));
}

void LeftoverSearch::add_made(std::size_t i, const std::string& path) {
  const SavedPath* saved = captured(i);
  if (!saved) return;
  if (saved->kind == SavedPath::Kind::absent || was_removed_first(saved->path)) found_.push_back(real(i, path));
}

std::vector<std::string> leftovers(const std::vector<Action>& actions, const std::vector<Before>& before) {
  std::vector<std::string> all = LeftoverSearch(actions, before).collect();
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace mlops
