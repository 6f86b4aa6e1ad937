// Undoes an earlier run.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host_run/run_records.hpp"
#include "machine/journal.hpp"
#include "machine/this_host.hpp"
#include "model/event.hpp"
#include "state/inverse.hpp"

namespace mlops {

struct UndoSettings {
  bool force = false;  // also if somebody has changed the object since
  bool no_sudo = false;
  std::string state;                         // --state
  std::uint64_t wait_seconds = 0;            // --wait
  ThisHostSettings::Password password = {};  // as in ThisHost
};

// The run cannot be undone at all; nothing was changed.
class UndoRefused : public Error {
 public:
  using Error::Error;
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
  const std::vector<std::string>& resumes() const { return resumes_; }
  Result in_thought();
  // Takes locks and privileges, and performs the undo; if nothing is left to do, records that the run is
  // undone. Error if it could not begin.
  Result for_real();

 private:
  // How one step is reverted, or a restart at the end.
  struct Item {
    RecordedStep step;
    StepName name;
    Inverse inverse;
    std::string unknown;  // why its inverse cannot be determined
    bool restart = false;
    bool begun = true;                    // false: it was announced, and its identity never began it
    bool withheld = false;                // its actions can be read once its identity may act
    bool undone = false;                  // by an undo that this one resumes
    std::optional<RecordedStep> attempt;  // of such an undo, which was not completed
    std::vector<StepName> heals;          // interrupted steps that are recovered once this is undone
  };
  using Attempts =
      std::map<std::pair<std::string, std::uint64_t>, std::vector<std::pair<StepName, RecordedStep>>>;
  std::vector<RecordedRun> with_resumed() const;
  Attempts attempts();
  void add(const RecordedRun& run, const Attempts& attempts);
  Item item_of(const RecordedRun& run, RecordedStep step, const WholeRun& whole,
               const Attempts& attempts) const;
  Result pass(Host& host, Outcome acted);
  void add_restarts();
  bool removes_file_of(const std::string& unit) const;
  bool needs_restart(const Item& item, Host& host, Outcome acted);
  void one(Item& item, Host& host, Outcome acted, Result& result);
  void will_act(const Identity& identity);
  std::vector<Action> recovery(const Item& item, const Machine& machine) const;
  std::vector<std::string> explained(const Item& item, const Machine& machine) const;
  std::string changed_since(const Item& item, const Machine& machine) const;
  void mend_accounts();
  void narrow_removals(Item& item, const Machine& machine, Outcome acted, ResourceFinished& event) const;
  void choose_purged(const Item& item, RemovePackages& remove, const Machine& machine, Outcome acted,
                     ResourceFinished& event) const;
  void tell(const Item& item, ResourceFinished event, Result& result);
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
  std::vector<Item> items_;
  std::vector<std::string> resumes_;
  std::vector<Identity> pending_;        // of the simulation
  std::vector<std::string> taken_back_;  // labels of what was really undone
  std::uint64_t sequence_ = 0;
};

}  // namespace mlops
