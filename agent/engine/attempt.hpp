// One attempt at one resource: fills it in, inspects it, changes it where it differs, and inspects it again.
#pragma once

#include <any>
#include <set>
#include <string>
#include <vector>

#include "engine/attempt_result.hpp"
#include "engine/claim_register.hpp"
#include "engine/convergence.hpp"
#include "engine/instance.hpp"
#include "engine/outcome_recorder.hpp"
#include "engine/real_paths.hpp"
#include "engine/recovery.hpp"
#include "engine/run_context.hpp"
#include "engine/run_values.hpp"
#include "engine/step_performer.hpp"
#include "engine/write_batch.hpp"

namespace mlops {

// The instance as far as its values could be filled in, and what came of it.
struct Attempted {
  Instance instance;
  AttemptResult result;
};

class Attempt {
 public:
  struct Parts {
    const RunContext& context;
    RunValues& values;
    const Unreliable& unreliable;  // earlier resources
    const Failures& changed;       // earlier resources that changed
    const Notifications& notifications;
    ClaimRegister& claims;
    StepPerformer& performer;
    Convergence& convergence;
    WriteBatch& batch;  // performed before anything that may depend on it
  };
  explicit Attempt(Parts parts) : parts_(parts), recovery_(parts.context) {}

  // Never throws Error: every failure of the resource is in the result. A result Waiting is to be added to the
  // batch. untrusted: an earlier attempt left something that is not trusted.
  Attempted attempt(const Element& element, bool untrusted);

 private:
  AttemptResult converge(Instance& instance, const Element& element, bool untrusted);
  AttemptResult inspect_and_change(Instance& instance);
  AttemptResult change(Instance& instance, Diff diff);
  AttemptResult act(Instance& instance, const Diff& diff, std::vector<std::string> maybe);
  AttemptResult read_outputs(Instance& instance);
  AttemptResult unchanged(Instance& instance, const std::any& current);
  std::optional<attempted::Failed> missing_right(Instance& instance, const Diff& diff);
  std::optional<std::string> failed_dependency(const Instance& instance) const;
  void limit_dependencies(const Instance& instance);
  void recover(Instance& instance);
  std::any inspect(Instance& instance, Preconditions& preconditions);
  void agree_to_loss(Instance& instance, const Diff& diff) const;
  void tell_account(const Instance& instance);
  void show_observer(const Instance& instance, Preconditions preconditions, const Diff& diff);
  void note_not_kept(Instance& instance, const Diff& diff);

  Parts parts_;
  Recovery recovery_;
  RealPaths real_paths_;
  std::set<CloudScope> told_accounts_;
};

}  // namespace mlops
