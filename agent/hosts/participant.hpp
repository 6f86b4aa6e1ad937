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

enum class Pass { simulated, real };

// How state databases identify the run. The same on all hosts.
struct RunName {
  std::string id;                             // UUIDv7
  std::string kind;                           // "apply"
  std::string playbook;                       // as given on the command line
  std::string playbook_key;                   // identifies the playbook: see playbook_keys
  std::vector<std::string> former_keys = {};  // earlier keys of the playbook
};

// The command-line settings that every host needs.
struct PartSettings {
  std::vector<std::string> only, tags;
  std::string mirror;  // a folder of the host, or a URL
  bool dry = false, no_sudo = false, fail_fast = false;
  // Whether other plays may use this host's values.
  bool gives_values = false;
  RunName run;
  JournalOptions journal;          // its folder is the host's
  std::uint64_t wait_seconds = 0;  // --wait: how long another run on the host is waited for
};

// Resources that an earlier version of the playbook created and the current one no longer has, on each host.
struct PruneOrder {
  bool remove = false;  // false: only reported
  // only pruning was requested: other pending changes and errors of the playbook do not matter
  bool alone = false;
  bool dry = false;    // the removal is simulated
  std::string run_id;  // of the run that removes
};
struct PruneResult {
  std::array<std::uint64_t, outcome_count> counts{};
  bool interrupted = false, not_started = false, touched = false;  // as in Conclusion
  std::string error;                                               // why it could not begin, or continue; ""
};

// Driven by one thread at a time: join, then a simulation and, if changes are pending, prepare and a real pass;
// a pass is begin, its plays in order, end. Each may throw Error: then the host takes no further part. Its
// events go to the sink that it was created with, on the thread that drives it.
class Participant {
 public:
  virtual ~Participant() = default;
  // Its name, its address, and the outputs of its plays so far.
  virtual const HostValues& values() const = 0;

  virtual void join() = 0;
  // The same for a host that earlier plays have just brought into being: it also has to have finished its first
  // boot. May be called again where it has thrown: NotArrived, where it is known how far the host has come.
  virtual void arrive() { join(); }
  // plays: those that follow, by their place in the playbook.
  virtual void begin(Pass pass, const std::vector<std::size_t>& plays) = 0;
  virtual void play(std::size_t index, const std::vector<HostValues>& others) = 0;
  virtual PassResult end() = 0;
  // Acquires privileges and locks for the changes that the last pass found pending. Errors: privilege or the
  // lock's, before anything is changed; cancelled.
  virtual void prepare() = 0;
  // After the last pass, over the whole playbook. The locks of the run are released first; nothing may follow
  // it.
  virtual PruneResult prune(const PruneOrder& order) = 0;
};

}  // namespace mlops
