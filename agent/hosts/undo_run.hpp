// Taking back what an earlier run did.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hosts/run_records.hpp"
#include "machine/journal.hpp"
#include "machine/this_host.hpp"
#include "model/event.hpp"
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
// was before already is ok; what somebody changed since fails, unless forced; and the rest goes on.
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

  // UndoRefused where the run is under way, was undone, or what it takes is not kept or cannot be read.
  void read();
  // What nothing takes back: "the command `make install` (command[build])".
  std::vector<std::string> stays() const;
  Result in_thought();
  // Takes locks and rights, and does it. Error where it could not begin.
  Result for_real();

 private:
  // What one step, or a restart in the end, is taken back by.
  struct Item {
    RecordedStep step;
    Inverse inverse;
    std::string unknown;  // why it cannot be told how
    bool restart = false;
  };
  Result pass(Host& host, Outcome acted);
  void add_restarts();
  void one(Item& item, Host& host, Outcome acted, Result& result);
  std::string changed_since(const Item& item, const Machine& machine) const;
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
  std::vector<Identity> pending_;       // of the pass in thought
  std::vector<std::string> taken_back_;  // labels, for real
  std::uint64_t sequence_ = 0;
};

}  // namespace mlops
