// One host's part in a run: this process, or the agent at the other end of a connection.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/host_values.hpp"
#include "engine/run.hpp"
#include "machine/journal.hpp"

namespace mlops {

enum class Pass { what_if, real };

// What state databases know the run by. The same on all hosts.
struct RunName {
  std::string id;            // UUIDv7
  std::string kind;          // "apply"
  std::string playbook;      // as it was called
  std::string playbook_key;  // what tells it from others: playbook_keys()
  std::vector<std::string> former_keys = {};  // under which it may be known from before
};

// What of the command line every host has to know.
struct PartSettings {
  std::vector<std::string> only, tags;
  std::string mirror;  // a folder of the host, or a URL
  bool dry = false, no_sudo = false, fail_fast = false;
  // Whether other plays may want what this host gives.
  bool gives_values = false;
  RunName run;
  JournalOptions journal;          // its folder is the host's
  std::uint64_t wait_seconds = 0;  // --wait: how long another run on the host is waited for
};

// What an earlier version of the playbook made and this one no longer has, on each host.
struct PruneOrder {
  bool remove = false;  // else it is only told
  bool alone = false;   // nothing but this was asked for: whatever else the playbook would change or cannot
  bool dry = false;     // removed on what-if
  std::string run_id;   // of the run that removes
};
struct PruneResult {
  std::array<std::uint64_t, outcome_count> counts{};
  bool interrupted = false, not_started = false, touched = false;  // as Conclusion has them
  std::string error;  // why it could not begin, or not go on; ""
};

// Driven by one thread at a time: join, then a pass on what-if and, where something is pending, prepare and a real
// pass; a pass is begin, its plays in order, end. Each may throw Error: the host takes no more part then. Its events go to
// the sink that it was made with, on the thread that drives it.
class Participant {
 public:
  virtual ~Participant() = default;
  // Its name, where it is, and what its plays gave until now.
  virtual const HostValues& values() const = 0;

  virtual void join() = 0;
  // plays: those that are to come, by their place in the playbook.
  virtual void begin(Pass pass, const std::vector<std::size_t>& plays) = 0;
  virtual void play(std::size_t index, const std::vector<HostValues>& others) = 0;
  virtual PassResult end() = 0;
  // Rights and locks for what the last pass found pending. Errors: privilege or the lock's, before anything is
  // changed; cancelled.
  virtual void prepare() = 0;
  // After the last pass, over all of the playbook. The locks of the run are given up first; nothing may follow it.
  virtual PruneResult prune(const PruneOrder& order) = 0;
};

}  // namespace mlops
