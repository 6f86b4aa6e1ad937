#include "state/earlier_runs.hpp"

#include <set>

#include "state/json_value.hpp"
#include "state/process_mark.hpp"

namespace mlops {
namespace {

std::vector<ClaimedObject> parsed_objects(const std::string& kept) {
  std::vector<ClaimedObject> objects;
  for (const std::string& text : texts_of(kept))
    if (auto object = parse_object(text)) objects.push_back(*std::move(object));
  return objects;
}

}  // namespace

PriorRunState earlier_runs(Database& database, const std::string& playbook_key) {
  PriorRunState earlier;
  std::set<std::string> alive;
  Statement& runs = database.statement(
      "SELECT id, kind, playbook, started, process, process_started, boot FROM runs WHERE outcome IS NULL");
  for (runs.with(); runs.step();) {
    if (is_alive({runs.integer(4), runs.integer(5), runs.text(6)}))
      alive.insert(runs.text(0));
    else
      earlier.runs.push_back({runs.text(0), runs.text(1), runs.text(2), runs.integer(3), {}});
  }
  const std::string boot = this_process().boot;
  Statement& steps = database.statement(
      "SELECT runs.id, sequence, playbook_key, resource, type, identity, claims, program, started, boot, "
      "reason IS NOT NULL "
      "FROM steps JOIN runs ON runs.number = steps.run WHERE state IN (0, 3) ORDER BY run, sequence");
  for (steps.with(); steps.step();) {
    const std::string run = steps.text(0);
    if (alive.contains(run)) continue;
    earlier.steps.push_back({{run, static_cast<std::uint64_t>(steps.integer(1))},
                             steps.text(2),
                             steps.text(3),
                             steps.text(4),
                             steps.text(5),
                             parsed_objects(steps.text(6)),
                             steps.integer(7) != 0,
                             steps.integer(8),
                             steps.text(9) != boot,
                             steps.integer(10) != 0});
    for (InterruptedRun& one : earlier.runs)
      if (one.id == run) one.resources.push_back(steps.text(3));
  }
  Statement& pending = database.statement(
      "SELECT target, source FROM notifications WHERE playbook_key = ? ORDER BY target, source");
  for (pending.with(playbook_key); pending.step();)
    earlier.notifications.push_back({pending.text(0), pending.text(1)});
  return earlier;
}

}  // namespace mlops
