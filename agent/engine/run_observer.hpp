// Who looks on while a run goes over a host, and may refuse what it is about to do.
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
  std::size_t play = 0;    // its place in the playbook
  std::string label, as;   // as: who would act
  Value parameters;        // filled in: secrets are in them
  Preconditions ground;           // what was looked at
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // A pass over the plays begins; real: it acts.
  virtual void pass_begins(bool real) = 0;
  // Before anything is done for the resource. maybe: as in ResourceFinished. Error: nothing is done, it has failed.
  virtual void inspected(const Inspection& seen, const Diff& diff, const std::vector<std::string>& maybe) = 0;
  // Before that, what mends a resource at which an earlier run was cut off is about to be done; the ground is empty. Error:
  // as in inspected.
  virtual void recovers(const Inspection& seen, const std::vector<Action>& actions) = 0;
  // What became of a resource, also of one that was never inspected.
  virtual void finished(std::size_t /*play*/, const std::string& /*label*/, Outcome, const std::string& /*reason*/) {}
  // Everything was looked at in thought, and the real pass is about to begin. Error: it does not.
  virtual void about_to_act() = 0;
};

}  // namespace mlops
