// What an undo does: a run's steps, each with its inverse.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "domains/inverse.hpp"
#include "host_run/run_records.hpp"
#include "machine/journal.hpp"

namespace mlops {

// The run cannot be undone at all; nothing was changed.
class UndoRefused : public Error {
 public:
  using Error::Error;
};

// How one step is undone, or a restart at the end.
struct UndoItem {
  RecordedStep step;
  StepName name;
  Inverse inverse;
  std::string unknown;  // why its inverse cannot be determined
  bool restart = false;
  bool begun = true;                    // false: it was announced, and its identity never began it
  bool withheld = false;                // its actions can be read once its identity may act
  bool undone = false;                  // by an undo that this one resumes
  std::optional<RecordedStep> attempt;  // of such an undo, which was not completed
  std::vector<StepName> recovers;       // interrupted steps that are recovered once this is undone
};

struct UndoItems {
  std::vector<UndoItem> list;        // in the order in which they are undone
  std::vector<std::string> resumes;  // the undos that this one resumes, by id, the oldest first
};

// UndoRefused if the run is still running, was undone, or its before-images are not kept.
UndoItems read_undo_items(const RecordedRun& run, const RunRecords& records, Host& host);

// Whether the step was interrupted: what it did is not known.
bool in_doubt(const RecordedStep& step);
// The actions of a step that this version of the program knows.
std::vector<Action> known_actions(const RecordedStep& step);

template <class... A>
bool has_action(const RecordedStep& step) {
  return std::any_of(step.actions.begin(), step.actions.end(),
                     [](const auto& action) { return action && (std::holds_alternative<A>(*action) || ...); });
}

}  // namespace mlops
