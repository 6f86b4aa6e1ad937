#include "domains/inverse.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "domains/files/paths.hpp"

namespace mlops {
namespace {

using Kind = SavedPath::Kind;

void append(Inverse& to, Inverse more) {
  for (Action& action : more.actions) to.actions.push_back(std::move(action));
  for (std::string& one : more.stays)
    if (std::find(to.stays.begin(), to.stays.end(), one) == to.stays.end()) to.stays.push_back(std::move(one));
}

// Of a rename, two paths change.
const std::string* only_path_of(const Action& action) {
  return std::holds_alternative<RenamePath>(action) ? nullptr : path_of(action);
}

// The state before an action within a list: an earlier one may have removed it. Captured paths have
// links resolved, paths in actions do not.
Before found_by(std::size_t i, const std::vector<Action>& actions, const std::vector<Before>& before) {
  Before was = i < before.size() ? before[i] : Before();
  const std::string* path = only_path_of(actions[i]);
  for (std::size_t earlier = 0; earlier < i; ++earlier) {
    const auto* removed = std::get_if<RemovePath>(&actions[earlier]);
    if (!removed) continue;
    const bool captured = earlier < before.size() && !before[earlier].paths.empty();
    const std::string& gone = captured ? before[earlier].paths.front().path : removed->path;
    if (path && is_within(*path, removed->path) && !was.paths.empty()) {
      was.paths = {SavedPath{.path = gone + path->substr(removed->path.size())}};
      was.not_kept.clear();
    }
    for (SavedPath& one : was.paths)
      if (is_within(one.path, gone)) one = SavedPath{.path = one.path};
  }
  return was;
}

// Whether an earlier one of the actions created the object at the path, so that its inverse removes it: a
// folder is restored twice, the second time for what was put into it in between.
bool is_restored_before(std::size_t i, const std::vector<Action>& actions, const Before& was) {
  const auto* again = std::get_if<RestorePath>(&actions[i]);
  if (!again || existed(was)) return false;
  return std::any_of(actions.begin(), actions.begin() + static_cast<std::ptrdiff_t>(i),
                     [&](const Action& earlier) {
                       const auto* restore = std::get_if<RestorePath>(&earlier);
                       return restore && restore->saved.path == again->saved.path;
                     });
}

}  // namespace

Inverse inverse(const Action& action, const Before& before) {
  return std::visit([&](const auto& a) { return invert(a, before); }, action);
}

Inverse inverse(const std::vector<Action>& actions, const std::vector<Before>& before) {
  Inverse result;
  std::vector<std::string> moved;  // created by these actions, and renamed by a later one of them
  const auto is_moved = [&](const std::string& path) {
    return std::any_of(moved.begin(), moved.end(),
                       [&](const std::string& from) { return is_within(path, from); });
  };
  for (std::size_t i = actions.size(); i-- > 0;) {
    const Action& action = actions[i];
    const Before was = found_by(i, actions, before);
    if (is_restored_before(i, actions, was)) continue;
    // What is at `from` was captured too: it comes second.
    const auto* rename = std::get_if<RenamePath>(&action);
    if (rename && was.paths.size() > 1 && was.paths[1].kind == Kind::absent) {
      moved.push_back(rename->from);
      result.actions.push_back(RemovePath{rename->to, true});
      if (existed(was)) result.actions.push_back(RestorePath{was.paths.front(), {}});
      continue;
    }
    const auto* run = std::get_if<RunCommand>(&action);
    const std::string* path = only_path_of(action);
    if (path && is_moved(*path) && !existed(was)) continue;
    if (run && run->bounded && !run->creates.empty() &&
        std::all_of(run->creates.begin(), run->creates.end(), is_moved))
      continue;
    append(result, inverse(action, was));
  }
  return result;
}

}  // namespace mlops
