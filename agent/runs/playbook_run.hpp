// A playbook on its hosts: what plan, apply, prune and why do. Prints nothing: what happens goes to the event
// sink, and the rest is in the result.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "engine/run_observer.hpp"
#include "hosts/chosen_hosts.hpp"
#include "model/diagnostic.hpp"
#include "model/event.hpp"
#include "playbook/playbook.hpp"
#include "runs/run_end.hpp"

namespace mlops {

struct RunRequest {
  std::string playbook;  // path; or of a saved plan, which brings its own values
  bool dry = false;      // only the first pass, on an overlay
  std::vector<std::string> vars_files, sets;
  std::vector<std::string> only, tags;  // not empty: other resources are read for their outputs, never changed
  std::string mirror;                   // a folder or a URL
  std::string state;                    // a folder for the state databases; "": each identity's default
  std::uint64_t wait_seconds = 0;       // how long another run is waited for
  std::uint64_t keep_limit = JournalOptions{}.keep_limit;  // bytes
  bool no_sudo = false, fail_fast = false;
  bool recreate = false;        // what was lost elsewhere is made anew without a question
  bool trust_writable = false;  // as root, also read files that others could change
  ReachSettings reach;
  // What an earlier version of the playbook made and the current one no longer has. alone: nothing else is
  // done.
  enum class Prune { ignore, report, remove, alone } prune = Prune::report;
  std::string out;              // where to save the plan; "": nowhere
  bool all_or_nothing = false;  // with a saved plan: do nothing if any part of it is out of date

  EventSink sink;                                // all events but RunFinished
  std::function<void(const std::string&)> warn;  // a message to the person during the run
  // Called with the loaded playbook; returns why it is not run, or "". Empty: it is run.
  std::function<std::string(const Playbook&)> check = {};
  RunObserver* observer =
      nullptr;  // of the passes on this machine, unless a plan is saved or enforced; borrowed
};

struct RunResult {
  RunEnd end = RunEnd::done;
  bool ran = false;      // the passes took place; false: refused before, and nothing was changed
  std::string playbook;  // its path, as messages name it
  std::string error;     // what is wrong with the request, or ended the run; ""
  Diagnostics mistakes;  // in the playbook; if the run took place, found only after changes were made
  std::array<std::uint64_t, outcome_count> counts{};
  double seconds = 0;
  bool interrupted = false;
  std::vector<ShownLine> show;      // empty for a plan
  std::vector<HostFinished> hosts;  // in order; their errors say why they took no part, or dropped out
  // Of a plan that is saved or enforced.
  bool plan_saved = false;
  std::string plan_error;  // why it was not saved, or --all-or-nothing prevented the run; ""
  // labels of resources that may do more than the saved plan can show, with their host unless it is local
  std::vector<std::string> unforeseen;
  // the same of resources that the saved plan will not apply: their hosts are not there yet
  std::vector<std::string> waiting;

  std::shared_ptr<const Playbook> loaded;    // null if it was not read
  std::shared_ptr<const Source> hosts_text;  // of --hosts; positions of mistakes point into it and into loaded
  std::vector<std::string> keys;             // playbook_keys
};

// Runs the playbook: first on an overlay, so that mistakes, locks and privileges are settled before the first
// change; then, unless it is dry, on the machines. Throws Error only if nothing was changed.
RunResult run_playbook(const RunRequest& request, const Cancellation& cancellation);

// Whether this machine alone took part.
bool is_local(const RunResult& result);

// The keys of a playbook in state databases, on every machine: "MACHINE:NAME" if it has a name, else
// "MACHINE:PATH", the path with links resolved (a temporary file is identified by the name it was given by);
// MACHINE is a digest of machine-id(5), or the host's name if there is none. Followed by the keys from before
// it had a name, and from versions that used the host's name.
std::vector<std::string> playbook_keys(const Playbook& playbook, const std::string& path);

}  // namespace mlops
