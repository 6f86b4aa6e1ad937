#include "engine/write_batch.hpp"

#include <algorithm>
#include <utility>

namespace mlops {
namespace {

constexpr std::size_t most_waiting = 256;

bool meet(const Claims& ours, const Claims& theirs) {
  const auto same_thing = [](const Claim& mine, const Claim& other) {
    const bool both_read = mine.access == Claim::Access::reads && other.access == Claim::Access::reads;
    return !both_read && mine.kind == other.kind && mine.key == other.key;
  };
  return std::any_of(ours.begin(), ours.end(), [&](const Claim& mine) {
    return std::any_of(theirs.begin(), theirs.end(),
                       [&](const Claim& other) { return same_thing(mine, other); });
  });
}

bool meet(const Instance& one, const Instance& other) {
  return meet(one.claims, other.claims) || meet(one.real_claims, other.claims) ||
         meet(one.claims, other.real_claims) || meet(one.real_claims, other.real_claims);
}

}  // namespace

bool WriteBatch::accepts(const Resource& r) const {
  if (context_.options.fail_fast || r.needs_filling || !is_unconditional(r) || r.retry.times > 0 ||
      !r.for_each.is_null() || !r.after.empty() || !r.notify.empty() || r.module->opaque ||
      r.module->notifiable)
    return false;
  return waiting_.empty() || waiting_.front().instance.resource->module == r.module;
}

bool WriteBatch::accepts(const Identity& identity) const {
  return waiting_.empty() || waiting_.front().instance.identity == identity;
}

bool WriteBatch::is_awaited_by(const Instance& instance) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const Entry& entry) { return meet(instance, entry.instance); });
}

void WriteBatch::add(Instance instance, attempted::Waiting write) {
  waiting_.push_back({std::move(instance), std::move(write)});
  if (waiting_.size() >= most_waiting) perform();
}

void WriteBatch::perform() {
  if (waiting_.empty()) return;
  std::vector<Entry> entries;
  entries.swap(waiting_);
  const bool cancelled = context_.cancellation.cancelled();
  std::vector<Step> steps;
  for (const Entry& entry : entries)
    if (entry.is_write() && !cancelled)
      steps.push_back(
          {performer_.describe_step(entry.instance, entry.write.diff.changes), entry.write.diff.actions});
  std::vector<std::optional<Error>> errors;
  const Instance& first = entries.front().instance;
  const AttemptResult performed = result_of(failures_, [&]() -> AttemptResult {
    if (!cancelled) errors = performer_.perform(first.identity, first.label, steps);
    return attempted::Ok{};
  });
  std::size_t at = 0;
  for (Entry& entry : entries) {
    if (!entry.is_write())
      conclude_(entry.instance, attempted::Ok{});
    else if (!std::holds_alternative<attempted::Ok>(performed))
      conclude_(entry.instance,
                with_changes(unless_awaited(performed, context_.host), entry.write.diff.changes));
    else if (!cancelled)
      conclude_write(entry, errors[at++]);
  }
}

void WriteBatch::conclude_write(Entry& entry, const std::optional<Error>& error) {
  Instance& i = entry.instance;
  const Diff& diff = entry.write.diff;
  AttemptResult result = result_of(failures_, [&]() -> AttemptResult {
    if (error) return unless_awaited(failed_with(*error), context_.host);
    AttemptResult proved = convergence_.prove(i, diff.changes, std::move(entry.write.maybe));
    i.interrupted.clear();
    performer_.note_written(i, diff.actions);
    return proved;
  });
  conclude_(i, with_changes(std::move(result), diff.changes));
}

}  // namespace mlops
