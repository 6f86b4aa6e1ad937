// Undoes an earlier run.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

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
  struct Result {
    std::array<std::uint64_t, outcome_count> counts{};
    bool interrupted = false;
    std::uint64_t count(Outcome o) const { return counts[static_cast<std::size_t>(o)]; }
  };

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
  Result simulate();
  // Takes locks and privileges, and performs the undo; if nothing is left to do, records that the run is
  // undone. Error if it could not begin.
  Result for_real();

 private:
  struct Ended {
    Outcome outcome = Outcome::ok;
    std::string reason;
  };
  Result pass(Host& host, Outcome acted);
  bool removes_file_of(const std::string& unit) const;
  bool needs_restart(const UndoItem& item, Host& host, Outcome acted);
  std::vector<std::string> restored(Outcome acted) const;
  void one(UndoItem& item, Host& host, Outcome acted, Result& result);
  Ended undo(UndoItem& item, Host& host, Outcome acted, ResourceFinished& event);
  void perform_inverse(UndoItem& item, Host& host, Outcome acted, ResourceFinished& event);
  void perform(const RecordedStep& step, Host& host, StepInfo purpose, const std::vector<Action>& actions);
  void will_act(const Identity& identity);
  std::vector<LedgerEntry> gone() const;

  UndoSettings settings_;
  const RunRecords& records_;
  const RecordedRun& run_;
  const Cancellation& cancellation_;
  EventSink sink_;
  Person person_;
  std::unique_ptr<Journals> journals_;
  std::string label_;  // of the current item
  ThisHost host_;
  UndoItems items_;
  std::vector<Identity> pending_;      // of the simulation
  std::vector<std::string> reverted_;  // labels of what was really undone
  std::uint64_t sequence_ = 0;
};

}  // namespace mlops
