// One pass over prepared steps: work that has no resource and no module to inspect with, such as the undo of
// recorded steps. How it is attempted, recorded and counted is that of a playbook's run.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>

#include "base/cancellation.hpp"
#include "engine/attempt_result.hpp"
#include "engine/pass_result.hpp"
#include "machine/host.hpp"
#include "model/event.hpp"

namespace mlops {

// What one attempt at a step is for.
struct StepHead {
  std::string label, type;  // of the resource that the step belongs to
  Identity identity;        // that acts
};

class StepPass {
 public:
  // host: an overlay in a plan. acted: the outcome of what changed. All must outlive it.
  StepPass(Host& host, const Cancellation& cancellation, EventSink sink, Outcome acted)
      : host_(host), cancellation_(cancellation), sink_(std::move(sink)), acted_(acted) {}
  StepPass(const StepPass&) = delete;
  StepPass& operator=(const StepPass&) = delete;

  Host& host() { return host_; }
  bool is_real() const { return acted_ == Outcome::changed; }
  // Whether a step has changed something so far.
  bool has_acted() const { return result_.count(acted_) != 0; }
  // The label of the step that was begun last.
  const std::string& label() const { return head_.label; }

  // Does the work and records its result, which does not wait. Exceptions become results, as in a playbook's
  // run.
  void attempt(const StepHead& head, const std::function<AttemptResult()>& work);
  // Journals and performs the actions, as part of the step being attempted. Error if one fails.
  void perform(StepInfo info, std::span<const Action> actions);
  // Shown with the step being attempted; "" for nothing.
  void note(std::string text) { note_ = std::move(text); }
  // The identity of the current step has something to do in the real pass, though nothing may have changed.
  void will_act();

  // Once, at the end.
  PassResult finish();

 private:
  Host& host_;
  const Cancellation& cancellation_;
  EventSink sink_;
  Outcome acted_;
  StepHead head_;
  std::string note_;
  std::uint64_t sequence_ = 0;  // of the last step performed
  PassResult result_;
};

}  // namespace mlops
