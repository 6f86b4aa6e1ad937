// One computer: its machine for each identity.
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
  // The machine as that identity sees and changes it; lives as long as the host. Error unavailable for an unknown
  // user. Whether the right to act can be had shows when it is needed.
  virtual Machine& as(const Identity& identity) = 0;
  // Error privilege where it is certain that nothing can be done as the identity: with --no-sudo.
  virtual void require_right(const Identity&) const {}

  // Performs independent steps, sharing their syncs where they can; a real host writes down what they are for before
  // they begin. One error for each step, absent where it went well. Error where none was begun.
  virtual std::vector<std::optional<Error>> perform(const Identity& identity, std::span<const Step> steps) {
    return perform_steps(steps, as(identity), nullptr);
  }
  // What earlier runs left for this one.
  virtual const PriorRunState& earlier() const {
    static const PriorRunState nothing;
    return nothing;
  }
  // These steps of earlier runs, which the identity did, were found to be as wished.
  virtual void mark_recovered(const Identity&, const std::vector<StepName>&) {}
  // What was notified has done what it had to.
  virtual void delivered(const std::string& /*target*/) {}

  // What follows is done for the resource of this label.
  virtual void begin(const std::string& label) = 0;
  // What the resource begun depends on, where it says so: a program that it asks a question need not wait for anything
  // else that is pending. Labels; only a what-if host has to know.
  virtual void depends_only_on(std::vector<std::string> /*labels*/) {}
  // The resources whose pending programs may bring what was found absent since begin(); only a what-if host has any.
  virtual std::vector<std::string> doubts() const = 0;
  // Those of them that may bring it: what cannot go well without it is not known yet, rather than wrong. Only a what-if
  // host has any.
  virtual std::vector<std::string> awaited() const { return {}; }
  // The resource begun may do what nobody can foresee; only a what-if host has to know.
  virtual void unforeseen() {}
  // Folders that later commands of this identity find before PATH; those of no other.
  virtual void add_to_path(const Identity& identity, const std::vector<std::string>& folders) = 0;
};

}  // namespace mlops
