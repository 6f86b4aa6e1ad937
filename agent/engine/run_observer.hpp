// Observes a run over one host; may refuse an action before it is done.
#pragma once

#include <string>
#include <vector>

#include "domains/diff.hpp"
#include "machine/read_recorder.hpp"
#include "model/event.hpp"
#include "model/value.hpp"

namespace mlops {

// A resource that was just inspected.
struct Inspection {
  std::size_t play = 0;         // its place in the playbook
  std::string label, as;        // as: the user that it would run as
  Value parameters;             // filled in: they contain secrets
  Preconditions preconditions;  // everything that was read
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // A pass over the plays begins; real: it makes changes.
  virtual void pass_begins(bool real) = 0;
  // Called before anything is done for the resource. maybe: as in ResourceFinished. Error: nothing is done, the
  // resource has failed.
  virtual void inspected(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe) = 0;
  // Called before that, when recovery of a resource that an earlier run left interrupted is about to act; the
  // preconditions are empty. Error: as in inspected.
  virtual void recovers(const Inspection& seen, const std::vector<Action>& actions) = 0;
  // The outcome of a resource, also of one that was never inspected.
  virtual void finished(std::size_t /*play*/, const std::string& /*label*/, Outcome,
                        const std::string& /*reason*/) {}
  // The simulation is complete, and the real pass is about to begin. Error: it does not begin.
  virtual void about_to_act() = 0;
};

}  // namespace mlops
