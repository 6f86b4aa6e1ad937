#include "state/leftovers.hpp"

#include <algorithm>

#include "domains/files/local.hpp"
#include "domains/files/paths.hpp"

namespace mlops {
namespace {

using Kind = SavedPath::Kind;

// Beside the target, as in temporary_name.
std::string staged(const std::string& path, const char* suffix) {
  return join_path(folder_of(path), temporary_name(std::string(name_of(path)), suffix));
}

class Collector {
 public:
  Collector(const std::vector<Action>& actions, const std::vector<Before>& before)
      : actions_(actions), before_(before) {}

  std::vector<std::string> collect() {
    for (at_ = 0; at_ < actions_.size(); ++at_)
      std::visit([this](const auto& action) { add(action); }, actions_[at_]);
    return std::move(found_);
  }

 private:
  // As captured: with links resolved.
  const SavedPath* captured(std::size_t i) const {
    return at_ < before_.size() && i < before_[at_].paths.size() ? &before_[at_].paths[i] : nullptr;
  }
  std::string real(std::size_t i, const std::string& given) const {
    const SavedPath* saved = captured(i);
    return saved ? saved->path : given;
  }
  bool was_removed_first(const std::string& path) const {
    return std::any_of(actions_.begin(), actions_.begin() + static_cast<std::ptrdiff_t>(at_),
                       [&](const Action& earlier) {
                         const auto* remove = std::get_if<RemovePath>(&earlier);
                         return remove && is_within(path, remove->path);
                       });
  }
  bool was_absent(std::size_t i) const {
    const SavedPath* saved = captured(i);
    return saved && (saved->kind == Kind::absent || was_removed_first(saved->path));
  }

  void add(const WriteFile& a) { found_.push_back(staged(real(0, a.path), "new")); }
  void add(const CreateSecret& a) { found_.push_back(staged(real(0, a.path), "new")); }
  void add(const RestorePath& a) {
    const bool folder = a.saved.kind == Kind::folder;
    found_.push_back(staged(real(0, a.saved.path), folder ? "folder" : "new"));
  }
  void add(const CreateDirectory& a) { found_.push_back(staged(real(0, a.path), "folder")); }
  void add(const Download& a) { found_.push_back(staged(real(0, a.path), "part")); }
  void add(const RenamePath& a) {
    if (was_absent(1)) found_.push_back(real(1, a.from));
  }
  void add(const RunCommand& a) {
    for (std::size_t i = 0; a.bounded && i < a.creates.size(); ++i)
      if (was_absent(i)) found_.push_back(real(i, a.creates[i]));
  }
  template <class Other>
  void add(const Other&) {}

  const std::vector<Action>& actions_;
  const std::vector<Before>& before_;
  std::size_t at_ = 0;
  std::vector<std::string> found_;
};

}  // namespace

bool is_staging_name(std::string_view name) {
  return name.starts_with('.') && name.find(".mlops-agent-") != std::string_view::npos;
}

std::vector<std::string> leftovers(const std::vector<Action>& actions, const std::vector<Before>& before) {
  std::vector<std::string> all = Collector(actions, before).collect();
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace mlops
