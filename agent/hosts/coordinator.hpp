// Coordinates a run over several hosts: which plays run where, in what order, and what is reported.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/awaited_place.hpp"
#include "hosts/participant.hpp"
#include "hosts/stand_in.hpp"

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
  // Creates the participant for a host that earlier plays of the run brought into being. Returns null if it
  // must not take part: the saved plan that is enforced does not contain it.
  std::function<std::unique_ptr<Participant>(const std::string& host, const std::vector<std::size_t>& plays,
                                             EventSink sink)>
      participant = {};
  std::chrono::milliseconds reach_again{1'000};  // between two attempts to reach such a host
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
//
// A host that earlier plays bring into being (AwaitedHost) joins before its first play: in the simulation, if
// nothing that it depends on is pending, else in the real pass. There it is waited for, planned with all of its
// plays, and that plan is reported; then its plays have their turn like any others. Until then, and if it is
// never reached, a StandIn reports its resources.
class Coordinator {
 public:
  // on: the participants of each play, by index. report is called by one thread at a time.
  Coordinator(const Playbook& playbook, ConductSettings settings, const Cancellation& cancellation,
              EventSink report);

  // The sink to create the next participant with; then add it.
  EventSink sink();
  // plays: the indices of its plays in the playbook.
  void add(std::unique_ptr<Participant> participant, std::vector<std::size_t> plays);
  // Adds a host that the run has to bring into being. selection: which resources are reported. Both are
  // borrowed.
  void add_awaited(const AwaitedHost& host, std::vector<std::size_t> plays, const PartSettings& selection);

  Conclusion go();
  // After go(): prunes on each host that was not lost, and adds the results.
  void prune(const PruneOrder& order, Conclusion& conclusion);
  // The values that all hosts provided.
  std::vector<HostValues> values() const;

 private:
  struct Part {
    std::unique_ptr<Participant> host;
    std::vector<std::size_t> plays;        // empty: it was put together with another
    std::vector<std::vector<Event>> held;  // of the simulation, by play
    bool holding = true;                   // events are held
    std::size_t at = 0;                    // the current play
    // Its host is not there yet, and a stand-in is in its place; null: it is.
    const AwaitedHost* awaited = nullptr;
    GivenById foreseen;  // what it gave in the simulation
    bool lost = false, acts = false, began = false;
    std::array<std::uint64_t, outcome_count> told{};  // by the events of the pass that counts
    HostFinished finished;
    PassResult result;
    bool has_play(std::size_t index) const;
  };

  void tell(Part& part, const Event& event);
  void release(Part& part, std::size_t play);
  void tell_account(const AccountUsed& account);
  ResourcesKnown known() const;
  void run(const std::vector<Part*>& parts, const std::function<void(Part&)>& work);
  std::vector<Part*> all(const std::function<bool(const Part&)>& which);
  std::vector<HostValues> others(const Part& part) const;
  void pass(Pass pass, const std::function<bool(const Part&)>& which);
  void play(Pass pass, std::size_t index, const std::vector<Part*>& parts);
  void begin_real_pass(Conclusion& conclusion);
  bool may_begin_anywhere(Conclusion& conclusion);
  void take_mistakes(Conclusion& conclusion);
  std::vector<Part*> members();
  void conclude(Conclusion& conclusion);

  // Hosts that are awaited; in coordinator_awaited.cpp.
  struct Arrival;
  std::vector<Part*> awaited_at(std::size_t index);
  void settle(std::size_t index);
  void admit(std::size_t index);
  AwaitedPlace locate(Part& part);
  bool is_needed(const Part& part);
  std::vector<Part*> parts_for(Part& part, const std::vector<std::string>& names);
  void unite(Part& part, const std::string& name);
  void stand_in(Part& part, const std::string& name, StandIn::Reason reason);
  void represent(Part& part, const AwaitedPlace& place);
  void give_up(Part& part, const std::string& reason);
  std::vector<Arrival> arrivals(Part& part, const std::vector<std::string>& names);
  void join_or_wait(Arrival& arrival, const std::string& may_wait_for);
  void reach(Arrival& arrival);
  void simulate(const std::vector<Part*>& parts);
  bool may_act(Part& part);
  void show_and_prepare(Part& part);

  const Playbook& playbook_;
  ConductSettings settings_;
  const Cancellation& cancellation_;
  EventSink report_;
  std::deque<Part> parts_;
  std::mutex mutex_;                         // guards report_ and what tell changes
  const PartSettings* selection_ = nullptr;  // for stand-ins; null without one
  std::vector<AccountUsed> accounts_;        // each once; told from started_ on
  bool started_ = false;                     // resources are shown
  OutcomesByLabel outcomes_;                 // of local
  Diagnostics mistakes_;                     // in the names of awaited hosts, and in their plans
  std::string stopped_;  // why no further host begins: "--serial: web1 failed"; "" if none is held back
};

}  // namespace mlops
