// Reads earlier runs from the state database of an identity. Changes nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "domains/before.hpp"
#include "domains/diff.hpp"
#include "machine/journal.hpp"
#include "state/database.hpp"
#include "state/step_state.hpp"

namespace mlops {

struct RecordedRun {
  std::int64_t number = 0;  // their order in this database
  std::string id;           // UUIDv7
  std::string kind;         // "apply", "undo", "prune"
  std::string playbook, playbook_key, starter, version;
  std::int64_t started = 0, ended = 0;  // microseconds since the epoch; ended is 0 if it is not known
  std::string outcome;                  // "done", "failed", "interrupted", "cut off", "under way"
  Value counts;                         // an object: how many resources of each outcome; null if not known
  std::optional<std::string> undoes;    // the id of the run that it undid
  std::string undone_by;                // the id of the run that undid it, and was not undone itself; ""
  bool is_unfinished_undo() const { return undoes && outcome != "done" && undone_by.empty(); }
  bool whole = true;                      // false: its undo data is no longer kept
  std::vector<std::string> participants;  // identities, by name
};

// One step done for a resource.
struct RecordedStep {
  std::uint64_t sequence = 0;  // within the run, over all identities
  std::string resource, type, identity;
  StepState state = StepState::begun;
  std::string reason;  // of a failure
  // False: only the fact that it was done is known here. The database of the identity has the rest, until it is
  // deleted.
  bool detailed = false;
  std::vector<Change> changes;
  std::vector<std::optional<Action>> actions;  // absent: this version does not know it
  std::vector<Before> before;
  std::map<std::string, std::string> after;  // objects and their fingerprints, as left
  std::optional<StepName> undoes;            // the step that it reverts
  bool recovery = false;                     // as in Purpose
};

// Serialized, to pass from the process of one identity to that of another.
Value to_value(const RecordedStep& step);
RecordedStep recorded_step(const Value& value);

// Bad input: the requested run does not exist, or is ambiguous.
class NoSuchRun : public Error {
 public:
  using Error::Error;
};

// The database must outlive it. Every member throws DatabaseError.
class RecordedRuns {
 public:
  explicit RecordedRuns(Database& database) : database_(database) {}

  // The newest first.
  std::vector<RecordedRun> all() const;
  // The run of this id, or the only one whose id begins with it; "last" is the newest. NoSuchRun.
  RecordedRun find(const std::string& id) const;
  // The newest that can be undone: it changed something, is not an undo itself, and was not undone. NoSuchRun.
  RecordedRun last_to_undo() const;
  // In order.
  std::vector<RecordedStep> steps(std::int64_t run) const;

  struct LastChange {
    RecordedRun run;
    RecordedStep step;
  };
  // The last step for a resource of a playbook; absent: none is recorded.
  std::optional<LastChange> last_change(const std::string& playbook_key, const std::string& resource) const;
  // The id of the last run that left the object in its current state, if that is a later run; "" otherwise.
  std::string last_run_of(const std::string& thing, std::int64_t run) const;

 private:
  bool changed_something(const RecordedRun& run) const;
  Database& database_;
};

// Removes all but the newest runs, and the before-images that only they need; returns how many. Call with the
// run lock held.
std::size_t prune_runs(Database& database, const std::string& folder, std::size_t keep);

}  // namespace mlops
