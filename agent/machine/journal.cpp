#include "machine/journal.hpp"

#include <algorithm>
#include <deque>

namespace mlops {
namespace {

std::vector<std::optional<Error>> perform(std::span<const std::span<const Action>> lists, Machine& machine) {
  if (lists.size() > 1) return machine.perform_together(lists);
  std::vector<std::optional<Error>> errors(1);
  try {
    machine.perform(lists.front());
  } catch (const Error& e) {
    errors.front() = e;
  }
  return errors;
}

bool needs_content(const Action& action) { return std::holds_alternative<RestorePath>(action); }

}  // namespace

bool leaves_doubt(std::span<const Action> actions) {
  return std::any_of(actions.begin(), actions.end(), [](const Action& action) {
    const auto* run = std::get_if<RunCommand>(&action);
    return run && run->until_created;
  });
}

std::vector<std::optional<Error>> perform_steps(std::span<const Step> steps, Machine& machine,
                                                Journal* journal) {
  if (steps.empty()) return {};
  std::vector<std::span<const Action>> lists;
  for (const Step& step : steps) lists.push_back(step.actions);
  if (!journal) return perform(lists, machine);
  journal->begin(steps);
  std::vector<std::optional<Error>> errors;
  std::deque<std::vector<Action>> completed;  // lists point into it
  try {
    for (std::span<const Action>& list : lists)
      if (std::any_of(list.begin(), list.end(), needs_content))
        list = completed.emplace_back(journal->completed(list));
    errors = perform(lists, machine);
  } catch (const Error& e) {
    errors.assign(steps.size(), e);
  }
  journal->end(steps, errors);
  return errors;
}

}  // namespace mlops
