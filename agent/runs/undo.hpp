// Taking back what an earlier run did.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "machine/journal.hpp"
#include "machine/this_host.hpp"
#include "model/event.hpp"
#include "runs/run_records.hpp"
#include "state/inverse.hpp"

namespace mlops {

struct UndoSettings {
  bool force = false;  // also where somebody changed the thing since
  bool no_sudo = false;
  std::string state;               // --state
  std::uint64_t wait_seconds = 0;  // --wait
  ThisHostSettings::Password password = {};  // as ThisHost has it
};

// The run cannot be undone at all; nothing was touched.
class UndoRefused : public Error {
 public:
  using Error::Error;
};

// The steps of a run in reverse order, each by the identity that did it: first in thought, then for real. What is as it
// was before already is ok; what somebody changed since fails, unless forced; what one identity did and cannot be read
// or reached fails; and the rest goes on.
//
// An undo that was interrupted, or of which a part failed, is resumed by the next one of the same run: what it undid is
// not undone twice, and what it left half done counts as its own. Undoing the last of them undoes all of them.
//
// What a step that was interrupted left is cleared away first (state/leftovers.hpp), and does not come back.
class UndoRun {
 public:
  struct Result {
    std::array<std::uint64_t, outcome_count> counts{};
    bool interrupted = false;
    std::uint64_t count(Outcome o) const { return counts[static_cast<std::size_t>(o)]; }
  };

  // All that is given must outlive it.
  UndoRun(UndoSettings settings, const RunRecords& records, const RecordedRun& run, const Cancellation& cancellation,
          EventSink sink);
  ~UndoRun();

  // UndoRefused where the run is under way, was undone, or what it takes is not kept.
  void read();
  // What nothing takes back: "the command `make install` (command[build])".
  std::vector<std::string> stays() const;
  // The undos that this one resumes, by their ids, the oldest first.
  const std::vector<std::string>& resumes() const { return resumes_; }
  Result in_thought();
  // Takes locks and rights, and does it; where nothing is left to do, it is written down that the run is undone. Error
  // where it could not begin.
  Result for_real();

 private:
  // What one step, or a restart in the end, is taken back by.
  struct Item {
    RecordedStep step;
    StepName name;
    Inverse inverse;
    std::string unknown;  // why it cannot be told how
    bool restart = false;
    bool begun = true;      // false: it was announced, and its identity never began it
    bool withheld = false;  // what it did can be read once its identity may act
    bool undone = false;    // by an undo that this one resumes
    std::optional<RecordedStep> attempt;  // of such an undo, which did not end well
    std::vector<StepName> heals;          // what was interrupted, and is well once it is undone
  };
  using Attempts = std::map<std::pair<std::string, std::uint64_t>, std::vector<std::pair<StepName, RecordedStep>>>;
  std::vector<RecordedRun> with_resumed() const;
  Attempts attempts();
  void add(const RecordedRun& run, const Attempts& attempts);
  Item item_of(const RecordedRun& run, RecordedStep step, const WholeRun& whole, const Attempts& attempts) const;
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
  std::string label_;  // of what is under way
  ThisHost host_;
  std::vector<Item> items_;
  std::vector<std::string> resumes_;
  std::vector<Identity> pending_;       // of the pass in thought
  std::vector<std::string> taken_back_;  // labels, for real
  std::uint64_t sequence_ = 0;
};

}  // namespace mlops
