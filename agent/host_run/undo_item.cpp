#include "host_run/undo_item.hpp"

#include <fmt/format.h>

#include <map>

namespace mlops {
namespace {

// The steps of earlier undos of a run, by the step that they undo, the oldest first.
using Attempts =
    std::map<std::pair<std::string, std::uint64_t>, std::vector<std::pair<StepName, RecordedStep>>>;

bool ended_well(const RecordedStep& step) {
  return step.state == StepState::done || step.state == StepState::recovered;
}

// Units that were running, and were restarted or reloaded.
std::vector<ChangeUnit> restarted(const RecordedStep& step) {
  std::vector<ChangeUnit> units;
  for (std::size_t i = 0; i < step.actions.size(); ++i) {
    const auto* unit = step.actions[i] ? std::get_if<ChangeUnit>(&*step.actions[i]) : nullptr;
    if (!unit || (unit->verb != ChangeUnit::Verb::restart && unit->verb != ChangeUnit::Verb::reload)) continue;
    if (i < step.before.size() && step.before[i].active.value_or(false)) units.push_back(*unit);
  }
  return units;
}

class UndoReading {
 public:
  UndoReading(const RecordedRun& run, const RunRecords& records, Host& host)
      : run_(run), records_(records), host_(host) {}

  UndoItems read() {
    const Attempts known = attempts();
    const std::vector<RecordedRun> runs = with_resumed();
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) add(*run, known);
    add_restarts();
    return std::move(items_);
  }

 private:
  // The run, and if it is an undo itself, the undos that it resumed. The oldest first.
  std::vector<RecordedRun> with_resumed() const {
    std::vector<RecordedRun> runs{run_};
    if (!run_.undoes) return runs;
    for (const RecordedRun& one : records_.own().all()) {
      if (one.number >= run_.number || one.undoes != run_.undoes) continue;
      if (one.outcome == "done") break;
      if (one.undone_by.empty()) runs.insert(runs.begin(), one);
    }
    return runs;
  }

  Attempts attempts() {
    Attempts found;
    std::vector<RecordedRun> undos;
    for (RecordedRun& one : records_.own().all())
      if (one.is_unfinished_undo() && one.undoes == run_.id) undos.insert(undos.begin(), std::move(one));
    for (const RecordedRun& undo : undos) {
      items_.resumes.push_back(undo.id);
      for (RecordedStep& step : records_.whole(undo, host_).steps)
        if (step.undoes && !step.recovery)
          found[{step.undoes->run, step.undoes->sequence}].emplace_back(StepName{undo.id, step.sequence},
                                                                        std::move(step));
    }
    return found;
  }

  // In reverse order.
  void add(const RecordedRun& run, const Attempts& attempts) {
    WholeRun whole = records_.whole(run, host_);
    for (auto step = whole.steps.rbegin(); step != whole.steps.rend(); ++step)
      if (!step->recovery) items_.list.push_back(item_of(run, std::move(*step), whole, attempts));
  }

  static void add_attempts(UndoItem& item, const Attempts& attempts) {
    const auto known = attempts.find({item.name.run, item.name.sequence});
    if (known == attempts.end()) return;
    for (const auto& [name, attempt] : known->second) {
      // A recovered attempt may have been recovered by a run that redid what was not undone yet.
      item.undone = item.undone || attempt.state == StepState::done;
      if (in_doubt(attempt)) item.recovers.push_back(name);
      if (attempt.state != StepState::done) item.attempt = attempt;
    }
  }

  static UndoItem item_of(const RecordedRun& run, RecordedStep step, const WholeRun& whole,
                          const Attempts& attempts) {
    UndoItem item{.step = std::move(step),
                  .name = {run.id, 0},
                  .inverse = {},
                  .unknown = "",
                  .attempt = {},
                  .recovers = {}};
    item.name.sequence = item.step.sequence;
    if (in_doubt(item.step)) item.recovers.push_back(item.name);
    add_attempts(item, attempts);
    if (item.step.detailed) {
      const std::vector<Action> actions = known_actions(item.step);
      if (actions.size() != item.step.actions.size())
        item.unknown = "a newer version of mlops-agent did it, and this version cannot undo it";
      else
        item.inverse = inverse(actions, item.step.before);
      return item;
    }
    const std::string& who = item.step.identity;
    item.withheld = whole.withheld.contains(who);
    if (const auto missing = whole.missing.find(who); missing != whole.missing.end())
      item.unknown = fmt::format("what {} did cannot be read: {}", who, missing->second);
    else if (ended_well(item.step))
      item.unknown = "what it did is not recorded where it was done";
    else
      item.begun = false;  // an identity records an action before doing it
    return item;
  }

  // Restarts of units whose restored files they must reload, at the end.
  void add_restarts() {
    std::vector<UndoItem> late;
    for (const UndoItem& item : items_.list)
      for (const ChangeUnit& unit : restarted(item.step)) {
        UndoItem again{item.step, item.name, {{unit}, {}}, "", true};
        again.step.after.clear();
        const bool reload = unit.verb == ChangeUnit::Verb::reload;
        again.step.changes = {
            {.property = reload ? "reloads" : "restarts", .after = true, .kind = Change::Kind::event}};
        late.push_back(std::move(again));
      }
    for (UndoItem& item : late) items_.list.push_back(std::move(item));
  }

  const RecordedRun& run_;
  const RunRecords& records_;
  Host& host_;
  UndoItems items_;
};

}  // namespace

bool in_doubt(const RecordedStep& step) {
  return step.state == StepState::begun || step.state == StepState::interrupted;
}

std::vector<Action> known_actions(const RecordedStep& step) {
  std::vector<Action> actions;
  for (const auto& action : step.actions)
    if (action) actions.push_back(*action);
  return actions;
}

UndoItems read_undo_items(const RecordedRun& run, const RunRecords& records, Host& host) {
  if (run.outcome == "under way") throw UndoRefused(fmt::format("the run {} is still active", run.id));
  if (!run.undone_by.empty())
    throw UndoRefused(fmt::format("the run {} was undone already, by {}", run.id, run.undone_by));
  if (!run.whole)
    throw UndoRefused(
        fmt::format("what undoing the run {} needs is no longer kept: only the last 20 can be undone", run.id));
  return UndoReading(run, records, host).read();
}

}  // namespace mlops
