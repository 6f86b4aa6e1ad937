// The main loop: plays and resources in the order of the playbook, retries, and the end of the run.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/attempt.hpp"
#include "engine/pass_result.hpp"
#include "engine/recheck.hpp"

namespace mlops {

// One pass over the plays of a playbook on one host. A plan and a real run differ only in the host. All
// arguments must outlive it.
class Run {
 public:
  Run(const Playbook& playbook, Host& host, const Facts& facts, IdentityRules& identities,
      const Cancellation& cancellation, EventSink sink, RunOptions options);
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Runs the plays of this host, by their place in the playbook, in order; call finish once afterwards.
  void play(std::size_t index);
  PassResult finish();
  // All plays.
  PassResult go();

  // What the other hosts of the run have provided so far.
  void set_others(std::vector<HostValues> others) { values_.scope().set_others(std::move(others)); }
  // The outputs of the plays run so far.
  const GivenById& given() const { return values_.scope().given(); }

  // Forwards progress of an action, with the resource that it is for.
  void progress(const Progress& p) const;

 private:
  bool is_over() const { return stopped_ || context_.cancellation.cancelled(); }
  void skip_play(std::size_t index, AttemptResult result);
  void resource(std::size_t play, const Resource& resource);
  void element(const Element& element);
  void conclude(Instance& instance, AttemptResult result);
  void deliver(const Resource& resource);

  RunContext context_;
  RunValues values_;
  PassResult result_;
  Unreliable unreliable_;
  Failures changed_;
  Notifications notifications_;
  ClaimRegister claims_;
  Recheck recheck_;
  StepPerformer performer_;
  Convergence convergence_;
  OutcomeRecorder outcomes_;
  WriteBatch batch_;
  Attempt attempt_;
  bool stopped_ = false;  // after a failure, with --fail-fast
};

}  // namespace mlops
