#include "host_run/undo_traces.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domains/capture_before.hpp"
#include "domains/is_satisfied.hpp"
#include "domains/leftovers.hpp"
#include "host_run/part_done.hpp"

namespace mlops {
namespace {

// Whether repeating the inverse would fail: an undo that stopped half-way does not repeat it.
bool cannot_be_repeated(const Action& action) { return traits_of(action).repeated == Repeated::fails; }

// A unit that was never created, or is already gone.
bool is_of_no_unit(const Action& action, const Machine& machine) {
  const auto* change = std::get_if<ChangeUnit>(&action);
  if (!change || (change->verb != ChangeUnit::Verb::stop && change->verb != ChangeUnit::Verb::disable))
    return false;
  return !machine.services().unit(change->unit).exists() && is_satisfied(action, machine);
}

bool is_on_paths(const std::string& thing) { return thing.starts_with("path ") || thing.starts_with("tree "); }

// Differences from the step's result that an earlier attempt to undo it explains: nobody else changed those
// objects.
std::vector<std::string> explained(const UndoItem& item, const Machine& machine) {
  std::vector<std::string> things;
  if (!item.attempt) return things;
  const RecordedStep& attempt = *item.attempt;
  const bool told = !attempt.after.empty();
  const bool part_done = attempt.detailed && is_part_done(known_actions(attempt), attempt.before, machine);
  for (const auto& [thing, print] : item.step.after) {
    const auto left = attempt.after.find(thing);
    // Of a tree whose removal was interrupted, only the top is reported; what is left of it can be compared.
    const bool as_left = left != attempt.after.end()
                             ? left->second.empty() || fingerprint_of(thing, machine) == left->second
                             : part_done && (!told || is_on_paths(thing));
    if (as_left || (part_done && !told)) things.push_back(thing);
  }
  return things;
}

void add_clearing(const RecordedStep& step, const Machine& machine, std::vector<Action>& actions) {
  if (!in_doubt(step) && step.state != StepState::failed) return;
  for (const std::string& path : leftovers(known_actions(step), step.before))
    if (machine.files().exists(path))
      actions.push_back(RemovePath{.path = path, .recursive = true, .sensitive = true});
  if (in_doubt(step) && has_action<InstallPackages, RemovePackages>(step) && machine.packages().interrupted())
    actions.push_back(RepairPackages{});
}

}  // namespace

std::vector<Action> clearing_actions(const UndoItem& item, const Machine& machine) {
  std::vector<Action> actions;
  add_clearing(item.step, machine, actions);
  if (item.attempt) add_clearing(*item.attempt, machine, actions);
  return actions;
}

std::vector<Action> remaining(const std::vector<Action>& actions, const Machine& machine) {
  std::vector<Action> rest;
  for (std::size_t i = 0; i < actions.size(); ++i)
    if (!(cannot_be_repeated(actions[i]) && is_satisfied(actions[i], machine)) &&
        !is_of_no_unit(actions[i], machine) && !is_replaced_by_folder(actions, i, machine))
      rest.push_back(actions[i]);
  return rest;
}

std::vector<std::string> changed_since(const UndoItem& item, const Machine& machine,
                                       const RecordedRuns& records, std::int64_t number) {
  std::vector<std::string> changed;
  std::optional<std::vector<std::string>> by_us;
  for (const auto& [thing, print] : item.step.after) {
    if (print.empty() || fingerprint_of(thing, machine) == print) continue;
    if (!by_us) by_us = explained(item, machine);
    if (std::find(by_us->begin(), by_us->end(), thing) != by_us->end()) continue;
    const std::string name = is_on_paths(thing) ? thing.substr(5) : thing;
    const std::string later = records.last_run_of(thing, number);
    changed.push_back(later.empty() ? name : fmt::format("{} (by the run {})", name, later));
  }
  return changed;
}

bool leaves_accounts_in_doubt(const UndoItem& item) {
  const auto touches = [](const RecordedStep& step) {
    return in_doubt(step) && has_action<CreateUser, ChangeUser, RemoveUser, CreateGroup, ChangeGroup,
                                        RemoveGroup, ChangeMembership>(step);
  };
  return touches(item.step) || (item.attempt && touches(*item.attempt));
}

}  // namespace mlops
