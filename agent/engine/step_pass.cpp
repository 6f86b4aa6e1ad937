#include "engine/step_pass.hpp"

#include <chrono>
#include <utility>

namespace mlops {

void StepPass::attempt(const StepHead& head, const std::function<AttemptResult()>& work) {
  head_ = head;
  note_.clear();
  sink_(ResourceStarted{head.label, "local", head.identity.user});
  const auto started = std::chrono::steady_clock::now();
  AttemptResult attempted = result_of({}, work);
  if (std::holds_alternative<Unknown>(attempted)) will_act();
  ResourceFinished event = finished_event(std::move(attempted), acted_);
  event.label = head.label;
  event.type = head.type;
  event.host = "local";
  event.note = std::move(note_);
  event.as = head.identity.user;
  event.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  ++result_.counts[static_cast<std::size_t>(event.outcome)];
  sink_(event);
}

void StepPass::perform(StepInfo info, std::span<const Action> actions) {
  info.sequence = ++sequence_;
  info.resource = head_.label;
  info.type = head_.type;
  const Step step{std::move(info), actions};
  for (const auto& error : host_.perform(head_.identity, {&step, 1}))
    if (error) throw *error;
}

void StepPass::will_act() {
  for (const PassResult::Pending& one : result_.pending)
    if (one.identity == head_.identity) return;
  result_.pending.push_back({head_.identity, head_.label});
}

PassResult StepPass::finish() {
  result_.interrupted = cancellation_.cancelled();
  return std::move(result_);
}

}  // namespace mlops
