#include "engine/step_performer.hpp"

#include <utility>

namespace mlops {

void StepPerformer::begin(const std::string& label) {
  label_ = label;
  host_.begin(label);
}

StepInfo StepPerformer::describe_step(const Instance& instance, std::vector<Change> changes) {
  const Resource& resource = *instance.resource;
  const bool makes = resource.module->made(instance.desired, changes);
  return {.sequence = ++sequence_,
          .resource = instance.label,
          .type = std::string(resource.module->type),
          .notifies = resource.notify,
          .changes = std::move(changes),
          .claims = written_objects(instance.claims),
          .recovers = instance.interrupted,
          .makes = makes};
}

void StepPerformer::perform(const Instance& instance, StepInfo info, std::span<const Action> actions) {
  begin(instance.label);
  const Step step{std::move(info), actions};
  for (const auto& error : host_.perform(instance.identity, {&step, 1}))
    if (error) throw *error;
}

std::vector<std::optional<Error>> StepPerformer::perform(const Identity& identity, const std::string& label,
                                                         std::span<const Step> steps) {
  begin(label);
  return host_.perform(identity, steps);
}

void StepPerformer::note_written(const Instance& instance, std::span<const Action> actions) {
  recheck_.note_written(instance, actions);
  if (!changed_) return;
  Claims claims = instance.claims;
  claims.insert(claims.end(), instance.real_claims.begin(), instance.real_claims.end());
  changed_->add({instance.label, instance.resource->id, instance.label, std::move(claims), instance.play});
}

}  // namespace mlops
