// A run over several hosts: which plays run where, in what order, and what is told of it.
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
  std::size_t forks = 32;  // hosts at work at once
  std::size_t serial = 0;  // the real pass of a play takes so many hosts after the other, and ends with the first batch in which one fails; 0: all at once
  // Where one host is lost or may not act before the real pass, none begins it.
  bool all_or_nothing = false;
  // Called after the pass on what-if, for each host: what is pending there may not be done. Empty: it may.
  std::function<void(const std::string& host, const PassResult& result, Diagnostics& mistakes)> judge = {};
};

struct Conclusion {
  std::vector<HostFinished> hosts;  // in the order of the participants
  std::array<std::uint64_t, outcome_count> counts{};
  Diagnostics mistakes;      // the playbook is wrong after all; found before anything was touched where early is true
  bool early = false;        // nothing was touched on any host
  bool touched = false;      // something was changed on a host, or may have been: it failed, or was lost meanwhile
  bool not_started = false;  // a host was not reached, or may not act: its error says why
  bool interrupted = false;
  std::uint64_t digest = 0;  // of what was made and found (PassResult), of all hosts together
};

// Two passes over all plays: first on what-if, so that mistakes, locks and rights are settled before the first change
// anywhere; then, on the hosts that have something to do, for real. A host that drops out does not stop the others.
// The plays are in step: one is over on all its hosts before the next begins. With a single host nothing is threaded.
class Coordinator {
 public:
  // on: the participants of each play, by index. report is called by one thread at a time.
  Coordinator(const Playbook& playbook, ConductSettings settings, const Cancellation& cancellation, EventSink report);

  // The sink to make the next participant with; then add it.
  EventSink sink();
  // plays: which of the playbook's are its own.
  void add(std::unique_ptr<Participant> participant, std::vector<std::size_t> plays);

  Conclusion go();
  // After go(): prunes on each host that was not lost, and adds what comes of it.
  void prune(const PruneOrder& order, Conclusion& conclusion);
  // What all hosts gave.
  std::vector<HostValues> values() const;

 private:
  struct Part {
    std::unique_ptr<Participant> host;
    std::vector<std::size_t> plays;
    std::vector<std::vector<Event>> held;  // of the pass on what-if, by play
    std::size_t at = 0;                    // the play that is under way
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
  std::mutex mutex_;  // of report_ and of what tell changes
  bool holding_ = true;
  std::string stopped_;  // why no further host begins: "--serial: web1 failed"; "" while all goes on
};

}  // namespace mlops
