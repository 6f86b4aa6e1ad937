// Batches adjacent writes so that they share their syncs.
#include <algorithm>
#include <utility>

#include "engine/instance.hpp"

namespace mlops {
namespace {

constexpr std::size_t queue_limit = 256;  // design.md, "Speed is a feature"

}  // namespace

// Plain values of a type that already has queued writes, or that may start a batch; and nothing that needs the
// result of an adjacent write.
bool Run::joins_queue(const Resource& r) const {
  if (options_.fail_fast || r.needs_filling || !is_unconditional(r) || r.retry.times > 0 ||
      !r.for_each.is_null() || !r.after.empty() || !r.notify.empty() || r.module->opaque ||
      r.module->notifiable)
    return false;
  return queue_.empty() || queue_.front().instance.resource->module == r.module;
}

void Run::queue(Instance& i, Diff diff, std::vector<std::string> maybe) {
  if (!queue_.empty() && queue_.front().instance.identity != i.identity) {
    flush();
    return look(i);
  }
  queue_.push_back({std::move(i), std::move(diff), std::move(maybe)});
  if (queue_.size() >= queue_limit) flush();
}

void Run::flush() {
  if (queue_.empty()) return;
  std::vector<Queued> queued;
  queued.swap(queue_);
  std::vector<Step> steps;
  for (const Queued& q : queued)
    if (!q.diff.actions.empty()) steps.push_back({purpose(q.instance, q.diff.changes), q.diff.actions});
  std::vector<std::optional<Error>> errors;
  if (cancellation_.cancelled()) {
    // Abandoned as a whole: steps that have not begun are not reported.
    for (Queued& q : queued)
      if (q.diff.actions.empty()) done(q.instance, Outcome::ok, {});
    return;
  }
  try {
    label_ = queued.front().instance.label;
    host_.begin(label_);
    errors = host_.perform(queued.front().instance.identity, steps);
  } catch (const Error& e) {
    errors.assign(steps.size(), e);
  } catch (const Unknown& unknown) {
    for (Queued& q : queued)
      q.diff.actions.empty() ? done(q.instance, Outcome::ok, {}) : not_known(q.instance, unknown);
    return;
  }
  std::size_t at = 0;
  for (Queued& q : queued) {
    Instance& i = q.instance;
    if (q.diff.actions.empty()) {
      done(i, Outcome::ok, {});
      continue;
    }
    const auto& error = errors[at++];
    if (error) {
      fail_unless_awaited(i, *error, q.diff.changes);
      continue;
    }
    try {
      const auto remains = prove(i, q.diff.changes);
      i.cut_off.clear();
      wrote(i, q.diff.actions);
      ResourceFinished event;
      event.changes = std::move(q.diff.changes);
      event.maybe = std::move(q.maybe);
      if (remains) {
        event.reason = *remains;
        failed(i);
      }
      done(i, remains ? Outcome::not_converged : options_.acted, std::move(event));
    } catch (const Error& e) {
      fail(i, e, q.diff.changes);
    }
  }
}

}  // namespace mlops
