// Undoes an earlier run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/step_pass.hpp"
#include "host_run/run_records.hpp"
#include "host_run/undo_item.hpp"
#include "machine/journal.hpp"
#include "machine/this_host.hpp"
#include "model/event.hpp"

namespace mlops {

struct UndoSettings {
  bool force = false;  // also if somebody has changed the object since
  bool no_sudo = false;
  std::string state;                         // --state
  std::uint64_t wait_seconds = 0;            // --wait
  ThisHostSettings::Password password = {};  // as in ThisHost
};

// Reverts the steps of a run in reverse order, each as the identity that did it: first as a simulation, then
// for real. What is already as before is ok; what somebody changed since fails, unless forced; a step whose
// record or identity cannot be accessed fails; and the rest continues.
//
// An undo that was interrupted, or partly failed, is resumed by the next undo of the same run: steps that were
// undone are not undone twice, and partial results count as the undo's own. Undoing the last of them undoes all
// of them.
//
// Leftovers of an interrupted step are cleared first (state/leftovers.hpp), and are not restored.
class UndoRun {
 public:
  // All arguments must outlive it.
  UndoRun(UndoSettings settings, const RunRecords& records, const RecordedRun& run,
          const Cancellation& cancellation, EventSink sink);
  ~UndoRun();

  // UndoRefused if the run is still running, was undone, or its before-images are not kept.
  void read();
  // Actions that cannot be reverted: "the command `make install` (command[build])".
  std::vector<std::string> stays() const;
  // The undos that this one resumes, by id, the oldest first.
  const std::vector<std::string>& resumes() const { return items_.resumes; }
  PassResult simulate();
  // Takes locks and privileges, and performs the undo; if nothing is left to do, records that the run is
  // undone. Error if it could not begin.
  PassResult for_real();

 private:
  PassResult pass(Host& host, Outcome acted);
  bool removes_file_of(const std::string& unit) const;
  bool needs_restart(const UndoItem& item, StepPass& pass);
  std::vector<std::string> restored() const;
  AttemptResult undo(UndoItem& item, StepPass& pass);
  AttemptResult already_undone(const UndoItem& item, StepPass& pass);
  void require_undoable(const UndoItem& item, const Machine& machine, bool satisfied) const;
  AttemptResult revert(UndoItem& item, StepPass& pass, const std::vector<Action>& first, bool satisfied);
  void perform_inverse(UndoItem& item, StepPass& pass, std::vector<Change>& changes);
  void perform(const UndoItem& item, StepPass& pass, StepInfo info, const std::vector<Action>& actions);
  std::vector<LedgerEntry> gone() const;

  UndoSettings settings_;
  const RunRecords& records_;
  const RecordedRun& run_;
  const Cancellation& cancellation_;
  EventSink sink_;
  Person person_;
  std::unique_ptr<Journals> journals_;
  ThisHost host_;
  UndoItems items_;
  std::vector<PassResult::Pending> pending_;  // of the simulation
  std::vector<std::string> reverted_;         // labels of what was undone in this pass
  const StepPass* pass_ = nullptr;            // the current one
};

}  // namespace mlops
