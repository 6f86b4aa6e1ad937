// Coordinates a run over several hosts: which plays run where, in what order, and what is reported.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hosts/participant.hpp"

namespace mlops {

struct ConductSettings {
  bool dry = false, fail_fast = false;
  std::size_t forks = 32;  // hosts working in parallel
  // the real pass runs each play on this many hosts per batch, and stops after the first batch with a failure;
  // 0: all at once
  std::size_t serial = 0;
  // If a host is lost or may not act before the real pass, no host begins it.
  bool all_or_nothing = false;
  // Called after the simulation, for each host: returns why its pending changes may not be made. Empty: they
  // may.
  std::function<void(const std::string& host, const PassResult& result, Diagnostics& mistakes)> judge = {};
};

struct Conclusion {
  std::vector<HostFinished> hosts;  // in the order of the participants
  std::array<std::uint64_t, outcome_count> counts{};
  Diagnostics mistakes;  // errors in the playbook found late; if early is true, before anything was changed
  bool early = false;    // nothing was changed on any host
  // something was changed on a host, or may have been: it failed, or was lost meanwhile
  bool touched = false;
  bool not_started = false;  // a host was not reached, or may not act: its error says why
  bool interrupted = false;
  std::uint64_t digest = 0;  // of created and converged resources (PassResult), over all hosts
};

// Two passes over all plays: first a simulation, so that mistakes, locks and privileges are settled before the
// first change anywhere; then the real pass, on the hosts with pending changes. A failing host does not stop
// the others. The plays are in step: one is over on all its hosts before the next begins. A single host is run
// without threads.
class Coordinator {
 public:
  // on: the participants of each play, by index. report is called by one thread at a time.
  Coordinator(const Playbook& playbook, ConductSettings settings, const Cancellation& cancellation,
              EventSink report);

  // The sink to create the next participant with; then add it.
  EventSink sink();
  // plays: the indices of its plays in the playbook.
  void add(std::unique_ptr<Participant> participant, std::vector<std::size_t> plays);

  Conclusion go();
  // After go(): prunes on each host that was not lost, and adds the results.
  void prune(const PruneOrder& order, Conclusion& conclusion);
  // The values that all hosts provided.
  std::vector<HostValues> values() const;

 private:
  struct Part {
    std::unique_ptr<Participant> host;
    std::vector<std::size_t> plays;
    std::vector<std::vector<Event>> held;  // of the simulation, by play
    std::size_t at = 0;                    // the current play
    bool lost = false, acts = false, began = false;
    std::array<std::uint64_t, outcome_count> told{};  // by the events of the pass that counts
    HostFinished finished;
    PassResult result;
    bool has_play(std::size_t index) const;
  };

  void tell(Part& part, const Event& event);
  void release(Part& part, std::size_t play);
  ResourcesKnown known() const;
  void run(const std::vector<Part*>& parts, const std::function<void(Part&)>& work);
  std::vector<Part*> all(const std::function<bool(const Part&)>& which);
  std::vector<HostValues> others(const Part& part) const;
  void pass(Pass pass, const std::function<bool(const Part&)>& which);
  void play(Pass pass, std::size_t index, const std::vector<Part*>& parts);
  void conclude(Conclusion& conclusion);

  const Playbook& playbook_;
  ConductSettings settings_;
  const Cancellation& cancellation_;
  EventSink report_;
  std::deque<Part> parts_;
  std::mutex mutex_;  // guards report_ and what tell changes
  bool holding_ = true;
  std::string stopped_;  // why no further host begins: "--serial: web1 failed"; "" if none is held back
};

}  // namespace mlops
