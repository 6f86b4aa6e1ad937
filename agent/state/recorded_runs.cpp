#include "state/recorded_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "state/images.hpp"
#include "state/journal_json.hpp"
#include "state/json_value.hpp"
#include "state/process_mark.hpp"

namespace mlops {
namespace {

constexpr std::size_t shortest_prefix = 4;  // of an id: anything shorter is more likely a mistake

// A run without an outcome is running as long as its process exists.
std::string outcome_of(const Statement& row, int column, const ProcessMark& mark) {
  if (!row.is_null(column)) return row.text(column);
  return is_alive(mark) ? "under way" : "cut off";
}

std::map<std::int64_t, std::vector<std::string>> participants(Database& database) {
  std::map<std::int64_t, std::vector<std::string>> found;
  Statement& query = database.statement("SELECT run, identity FROM participants ORDER BY run, identity");
  for (query.with(); query.step();) found[query.integer(0)].push_back(query.text(1));
  return found;
}

// For each undone run, the undo that is in effect. Undos are newer than the runs that they revert. An undo that
// another one resumed is undone together with that one.
void note_undone(std::vector<RecordedRun>& newest_first) {
  std::map<std::string, std::string> by;  // undone run -> its undo
  // for an undo that was itself undone: what it had undone -> the undo
  std::map<std::string, std::string> resumed;
  for (RecordedRun& run : newest_first) {
    if (const auto undone = by.find(run.id); undone != by.end()) run.undone_by = undone->second;
    if (!run.undoes) continue;
    if (run.outcome == "done") {
      resumed.erase(*run.undoes);
      if (!run.undone_by.empty())
        resumed[*run.undoes] = run.undone_by;
      else
        by.emplace(*run.undoes, run.id);
    } else if (const auto together = resumed.find(*run.undoes);
               together != resumed.end() && run.undone_by.empty()) {
      run.undone_by = together->second;
    }
  }
}

Value parsed(const Statement& row, int column) {
  return row.is_null(column) ? Value() : parse_kept(row.text(column));
}

// The columns of steps from sequence on, as in to_value.
constexpr const char* of_run =
    "SELECT sequence, resource, type, identity, state, reason, changes, actions, before, after, undoes, "
    "undone, "
    "coalesce(recovery, 0) FROM steps LEFT JOIN step_roles USING (run, sequence) WHERE run = ? ORDER BY "
    "sequence";
RecordedStep step_in(const Statement& row) {
  Value v;
  v.set("sequence", row.integer(0));
  v.set("resource", row.text(1));
  v.set("type", row.text(2));
  v.set("identity", row.text(3));
  v.set("state", row.integer(4));
  v.set("reason", row.text(5));
  v.set("changes", parsed(row, 6));
  v.set("actions", parsed(row, 7));
  v.set("before", parsed(row, 8));
  v.set("after", parsed(row, 9));
  v.set("undoes", row.text(10));
  v.set("undone", row.integer(11));
  v.set("recovery", row.integer(12) != 0);
  return recorded_step(v);
}

template <class Take>
void each(const Value* list, Take take) {
  if (list && list->is_array())
    for (const Value& item : list->as_array()) take(item);
}

std::int64_t number_in(const Value* v) { return v && v->is_integer() ? v->as_integer() : 0; }

}  // namespace

Value to_value(const RecordedStep& step) {
  Value v;
  v.set("sequence", static_cast<std::int64_t>(step.sequence));
  v.set("resource", step.resource);
  v.set("type", step.type);
  v.set("identity", step.identity);
  v.set("state", number_of(step.state));
  v.set("reason", step.reason);
  v.set("changes", step.detailed ? to_kept_list(step.changes) : Value());
  Value::Array actions;
  for (const auto& action : step.actions) actions.push_back(action ? to_kept(*action) : Value());
  v.set("actions", step.detailed ? Value(std::move(actions)) : Value());
  v.set("before", to_kept_list(step.before));
  Value after{Value::Object{}};
  for (const auto& [thing, print] : step.after) after.set(thing, kept_text(print));
  v.set("after", std::move(after));
  v.set("undoes", step.undoes ? step.undoes->run : "");
  v.set("undone", static_cast<std::int64_t>(step.undoes ? step.undoes->sequence : 0));
  v.set("recovery", step.recovery);
  return v;
}

RecordedStep recorded_step(const Value& v) {
  RecordedStep step;
  step.sequence = static_cast<std::uint64_t>(number_in(v.find("sequence")));
  step.resource = text_of(v.find("resource"));
  step.type = text_of(v.find("type"));
  step.identity = text_of(v.find("identity"));
  step.state = static_cast<StepState>(number_in(v.find("state")));
  step.reason = text_of(v.find("reason"));
  const Value* actions = v.find("actions");
  step.detailed = actions && actions->is_array();
  each(v.find("changes"), [&](const Value& kept) { step.changes.push_back(kept_change(kept)); });
  each(actions, [&](const Value& kept) { step.actions.push_back(kept_action(kept)); });
  each(v.find("before"), [&](const Value& kept) { step.before.push_back(kept_before(kept)); });
  if (const Value* after = v.find("after"); after && after->is_object())
    for (const auto& member : after->as_object()) step.after[member.key] = text_of(&member.value);
  if (std::string run = text_of(v.find("undoes")); !run.empty())
    step.undoes = {std::move(run), static_cast<std::uint64_t>(number_in(v.find("undone")))};
  const Value* recovery = v.find("recovery");
  step.recovery = recovery && recovery->is_bool() && recovery->as_bool();
  return step;
}

std::vector<RecordedRun> RecordedRuns::all() const {
  auto identities = participants(database_);
  std::vector<RecordedRun> runs;
  Statement& row = database_.statement(
      "SELECT number, id, kind, playbook, playbook_key, starter, version, started, coalesce(ended, 0), "
      "outcome, counts, "
      "undoes, whole, process, process_started, boot FROM runs ORDER BY number DESC");
  for (row.with(); row.step();) {
    RecordedRun run;
    run.number = row.integer(0);
    run.id = row.text(1);
    run.kind = row.text(2);
    run.playbook = row.text(3);
    run.playbook_key = row.text(4);
    run.starter = row.text(5);
    run.version = row.text(6);
    run.started = row.integer(7);
    run.ended = row.integer(8);
    run.outcome = outcome_of(row, 9, {row.integer(13), row.integer(14), row.text(15)});
    run.counts = parsed(row, 10);
    if (std::string undone = row.text(11); !undone.empty()) run.undoes = std::move(undone);
    run.whole = row.integer(12) != 0;
    run.participants = std::move(identities[run.number]);
    runs.push_back(std::move(run));
  }
  note_undone(runs);
  return runs;
}

RecordedRun RecordedRuns::find(const std::string& id) const {
  std::vector<RecordedRun> found;
  std::vector<RecordedRun> runs = all();
  if (runs.empty()) throw NoSuchRun("there is no recorded run");
  if (id == "last") return std::move(runs.front());
  for (RecordedRun& run : runs)
    if (run.id == id || (id.size() >= shortest_prefix && run.id.starts_with(id)))
      found.push_back(std::move(run));
  if (found.empty()) throw NoSuchRun(fmt::format("there is no run {}; `mlops-agent history` lists them", id));
  if (found.size() > 1)
    throw NoSuchRun(fmt::format("{} runs begin with {}: {} and {}{}", found.size(), id, found[0].id,
                                found[1].id, found.size() > 2 ? " among them" : ""));
  return std::move(found.front());
}

// A failure of several actions may have come after the first one was done; a failed single action is assumed to
// have changed nothing.
bool RecordedRuns::changed_something(const RecordedRun& run) const {
  const std::vector<RecordedStep> done = steps(run.number);
  return std::any_of(done.begin(), done.end(), [](const RecordedStep& step) {
    return step.state != StepState::failed || step.actions.size() > 1;
  });
}

RecordedRun RecordedRuns::last_to_undo() const {
  for (RecordedRun& run : all())
    if (run.kind != "undo" && run.undone_by.empty() && changed_something(run)) return std::move(run);
  throw NoSuchRun("there is no run that changed something and was not undone");
}

std::vector<RecordedStep> RecordedRuns::steps(std::int64_t run) const {
  std::vector<RecordedStep> found;
  Statement& row = database_.statement(of_run);
  for (row.with(run); row.step();) found.push_back(step_in(row));
  return found;
}

std::optional<RecordedRuns::LastChange> RecordedRuns::last_change(const std::string& playbook_key,
                                                                  const std::string& resource) const {
  Statement& row = database_.statement(
      "SELECT run, sequence FROM steps WHERE resource = ? AND run IN (SELECT number FROM runs WHERE "
      "playbook_key = ?) "
      "ORDER BY run DESC, sequence DESC LIMIT 1");
  if (!row.with(resource, playbook_key).step()) return std::nullopt;
  const std::int64_t number = row.integer(0), sequence = row.integer(1);
  row.with();
  LastChange last;
  for (RecordedRun& run : all())
    if (run.number == number) last.run = std::move(run);
  for (RecordedStep& step : steps(number))
    if (step.sequence == static_cast<std::uint64_t>(sequence)) last.step = std::move(step);
  return last;
}

std::string RecordedRuns::last_run_of(const std::string& thing, std::int64_t run) const {
  Statement& row = database_.statement(
      "SELECT runs.id FROM things JOIN runs ON runs.number = things.run WHERE thing = ? AND runs.number > ?");
  std::string id = row.with(thing, run).step() ? row.text(0) : "";
  row.with();
  return id;
}

// An interrupted step stays until it is recovered: the next run needs it.
std::size_t prune_runs(Database& database, const std::string& folder, std::size_t keep) {
  Images images(database, folder);
  Transaction transaction(database);
  const std::int64_t before = database.integer("SELECT count(*) FROM runs");
  database
      .statement(
          "DELETE FROM runs WHERE number NOT IN (SELECT number FROM runs ORDER BY number DESC LIMIT ?) "
          "AND number NOT IN (SELECT run FROM steps WHERE state IN (0, 3))")
      .with(static_cast<std::int64_t>(keep))
      .run();
  const std::int64_t gone = before - database.integer("SELECT count(*) FROM runs");
  if (gone == 0) return 0;
  for (const char* sql : {"DELETE FROM steps WHERE run NOT IN (SELECT number FROM runs)",
                          "DELETE FROM step_roles WHERE run NOT IN (SELECT number FROM runs)",
                          "DELETE FROM image_uses WHERE run NOT IN (SELECT number FROM runs)",
                          "DELETE FROM participants WHERE run NOT IN (SELECT number FROM runs)"})
    database.run(sql);
  images.sweep();
  transaction.commit();
  database.run("VACUUM");
  return static_cast<std::size_t>(gone);
}

}  // namespace mlops
