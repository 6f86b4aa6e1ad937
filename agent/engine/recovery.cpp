#include "engine/recovery.hpp"

#include <algorithm>
#include <utility>

namespace mlops {
namespace {

bool same_things(const InterruptedStep& step, const std::vector<ClaimedObject>& claims) {
  return std::any_of(step.claims.begin(), step.claims.end(), [&](const ClaimedObject& one) {
    return std::find(claims.begin(), claims.end(), one) != claims.end();
  });
}

}  // namespace

void Recovery::find_interrupted(Instance& i) const {
  const std::vector<InterruptedStep>& steps = context_.host.earlier().steps;
  if (steps.empty()) return;
  bool failed = false;
  const std::vector<ClaimedObject> claims = written_objects(i.claims);
  for (const InterruptedStep& step : steps) {
    if (step.type != i.resource->module->type) continue;
    const bool same = step.playbook_key == context_.options.playbook_key && step.resource == i.label;
    if (!same && !same_things(step, claims)) continue;
    if (step.told_by && context_.identities.decide_to_change(i.actor, i.as, i.identity).user != *step.told_by)
      continue;
    i.interrupted.push_back(step.name);
    i.untrusted = i.untrusted || step.program;
    failed = failed || step.failed;
    Interruption& known = i.interruption;
    known.began = known.began == 0 ? step.began : std::min(known.began, step.began);
    known.restarted = known.restarted || step.restarted;
  }
  if (!i.interrupted.empty())
    i.note = std::string(failed ? "failed in an earlier run" : "interrupted in an earlier run") +
             (i.note.empty() ? "" : ", " + i.note);
}

std::vector<Action> Recovery::actions(const Instance& i) const {
  if (!i.untrusted) return {};
  return i.resource->module->recover(i.desired, context_.host.as(i.identity), i.interruption);
}

void Recovery::perform(Instance& i, const std::vector<Action>& actions, StepPerformer& performer) const {
  i.identity = context_.identities.decide_to_change(i.actor, i.as, i.identity);
  performer.note_written(i, actions);
  i.recovered = {{.property = "cut off", .after = "recovered", .kind = Change::Kind::event}};
  StepInfo info = performer.describe_step(i, i.recovered);
  info.recovers.clear();  // this step alone does not recover the resource
  info.recovery = true;
  performer.perform(i, std::move(info), actions);
  performer.begin(i.label);
}

}  // namespace mlops
