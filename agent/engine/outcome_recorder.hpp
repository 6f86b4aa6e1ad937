// Records what came of each resource, for people and for later resources.
#pragma once

#include <string>

#include "engine/attempt_result.hpp"
#include "engine/claims.hpp"
#include "engine/instance.hpp"
#include "engine/notifications.hpp"
#include "engine/pass_result.hpp"
#include "engine/recheck.hpp"
#include "engine/run_context.hpp"
#include "engine/run_values.hpp"

namespace mlops {

// Resources that later ones cannot rely on.
struct Unreliable {
  Failures failed;
  Failures unknown;  // their state after the run is not known
};

class OutcomeRecorder {
 public:
  // All must outlive it.
  OutcomeRecorder(const RunContext& context, RunValues& values, Notifications& notifications, Recheck& recheck,
                  Unreliable& unreliable, PassResult& result)
      : context_(context),
        values_(values),
        notifications_(notifications),
        recheck_(recheck),
        unreliable_(unreliable),
        result_(result) {}

  // Emits the event of the finished resource, and keeps what dependents, notified resources, the recheck and
  // the caller of the run need. result is none that waits. Of a resource that is not selected, only failures
  // count.
  void record(Instance& instance, AttemptResult result);
  // The recheck found that it is no longer as desired.
  void record_drift(const ResourceRecord& record, Outcome was, const std::string& reason);

 private:
  // For later resources.
  void note(Instance& instance, attempted::Failed& failed);
  void note(Instance& instance, const attempted::Skipped& skipped);
  void note(Instance& instance, const Unknown& unknown);
  void fail(const Instance& instance);
  void assume_identity(Instance& instance);
  void finish(Instance& instance, ResourceFinished event);
  void emit(Instance& instance, ResourceFinished event);

  const RunContext& context_;
  RunValues& values_;
  Notifications& notifications_;
  Recheck& recheck_;
  Unreliable& unreliable_;
  PassResult& result_;
};

}  // namespace mlops
