#include "host_run/part_done.hpp"

#include <algorithm>
#include <map>

#include "domains/files/paths.hpp"
#include "domains/leftovers.hpp"

namespace mlops {
namespace {

using Kind = SavedPath::Kind;

class Comparison {
 public:
  Comparison(const std::vector<Action>& actions, const std::vector<Before>& before,
             const MachineReader& machine)
      : actions_(actions), before_(before), files_(machine.files()) {
    for (const Before& b : before)
      for (const SavedPath& saved : b.paths) known_[saved.path].push_back(&saved);
    for (const Action& action : actions)
      if (const auto* restore = std::get_if<RestorePath>(&action))
        known_[restore->saved.path].push_back(&restore->saved);
  }

  bool is_satisfied() const {
    for (std::size_t i = 0; i < actions_.size() && i < before_.size(); ++i) {
      const Before& was = before_[i];
      if (!was.not_kept.empty() || was.paths.empty()) continue;
      if (const auto* restore = std::get_if<RestorePath>(&actions_[i]);
          restore && !is_explained(restore->saved.path))
        return false;
      if (std::holds_alternative<RemovePath>(actions_[i]) && !is_tree_explained(was.paths.front().path))
        return false;
    }
    return true;
  }

 private:
  bool matches(const SavedPath& saved, const FileView& now) const {
    switch (saved.kind) {
      case Kind::file:
        return now.status.type == FileType::regular &&
               (saved.digest.empty() || files_.sha256(saved.path) == saved.digest);
      case Kind::folder:
        return now.status.type == FileType::directory;
      case Kind::link:
        return now.status.type == FileType::symlink && now.target == saved.target;
      case Kind::other:
        return true;
      case Kind::absent:
        break;
    }
    return false;
  }
  bool is_explained(const std::string& path) const {
    const auto now = files_.view(path, 0);
    if (!now || is_staging_name(name_of(path))) return true;
    const auto known = known_.find(path);
    return known != known_.end() && std::any_of(known->second.begin(), known->second.end(),
                                                [&](const SavedPath* saved) { return matches(*saved, *now); });
  }
  bool is_tree_explained(const std::string& path) const {
    if (!is_explained(path)) return false;
    const auto status = files_.status(path);
    if (!status || status->type != FileType::directory || is_staging_name(name_of(path))) return true;
    const auto names = files_.list(path).value_or(std::vector<std::string>());
    return std::all_of(names.begin(), names.end(),
                       [&](const std::string& name) { return is_tree_explained(join_path(path, name)); });
  }

  const std::vector<Action>& actions_;
  const std::vector<Before>& before_;
  const FileReader& files_;
  std::map<std::string, std::vector<const SavedPath*>> known_;
};

}  // namespace

bool is_part_done(const std::vector<Action>& actions, const std::vector<Before>& before,
                  const MachineReader& machine) {
  return Comparison(actions, before, machine).is_satisfied();
}

}  // namespace mlops
