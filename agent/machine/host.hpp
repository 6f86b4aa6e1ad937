// One computer: provides a machine for each identity.
#pragma once

#include <string>
#include <vector>

#include "base/person.hpp"
#include "machine/journal.hpp"
#include "machine/machine.hpp"

namespace mlops {

class Host {
 public:
  virtual ~Host() = default;
  // The machine as that identity reads and changes it; lives as long as the host. Error unavailable for an
  // unknown user. Privileges are checked only when they are needed.
  virtual Machine& as(const Identity& identity) = 0;
  // Error privilege if it is certain that nothing can be done as the identity: with --no-sudo.
  virtual void require_right(const Identity&) const {}

  // Performs independent steps, sharing their syncs where possible; a real host journals them before they
  // begin. Returns one error per step, absent on success. Throws Error if no step was begun.
  virtual std::vector<std::optional<Error>> perform(const Identity& identity, std::span<const Step> steps) {
    return perform_steps(steps, as(identity), nullptr);
  }
  // The state that earlier runs left for this one.
  virtual const PriorRunState& earlier() const {
    static const PriorRunState nothing;
    return nothing;
  }
  // Records that these steps of earlier runs, done as the identity, were found converged.
  virtual void mark_recovered(const Identity&, const std::vector<StepName>&) {}
  // Records that the notified resource has acted.
  virtual void delivered(const std::string& /*target*/) {}

  // What follows is done for the resource with this label.
  virtual void begin(const std::string& label) = 0;
  // The labels that the current resource depends on, if it declares them: a program that it queries need not
  // wait for anything else pending. Used only by a simulated host.
  virtual void depends_only_on(std::vector<std::string> /*labels*/) {}
  // The resources whose pending programs may create what was found absent since begin(); empty on a real host.
  virtual std::vector<std::string> doubts() const = 0;
  // Those of them that may create it: a failure without it is unknown rather than wrong. Empty on a real host.
  virtual std::vector<std::string> awaited() const { return {}; }
  // The current resource may have unpredictable effects. Used only by a simulated host.
  virtual void unforeseen() {}
  // Folders that later commands of this identity find before PATH; not those of other identities.
  virtual void add_to_path(const Identity& identity, const std::vector<std::string>& folders) = 0;
};

}  // namespace mlops
