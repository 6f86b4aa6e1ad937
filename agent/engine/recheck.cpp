#include "engine/recheck.hpp"

#include <algorithm>
#include <utility>

#include "engine/attempt_result.hpp"
#include "engine/convergence.hpp"

namespace mlops {
namespace {

bool may_change_anything(std::span<const Action> actions) {
  return std::any_of(actions.begin(), actions.end(), [](const Action& a) {
    const auto* run = std::get_if<RunCommand>(&a);
    return run && !run->bounded;
  });
}

// The groups that are created and removed with a user of the same name, though no resource claims them.
Claims groups_of_users(std::span<const Action> actions) {
  Claims groups;
  for (const Action& action : actions) {
    const auto* made = std::get_if<CreateUser>(&action);
    const auto* removed = std::get_if<RemoveUser>(&action);
    if (made && made->group.empty()) groups.push_back({.kind = Claim::Kind::group, .key = made->name});
    if (removed && !removed->keep_group) groups.push_back({.kind = Claim::Kind::group, .key = removed->name});
  }
  return groups;
}

}  // namespace

bool ResourceRecord::is_converged(Outcome acted) const {
  return (outcome == Outcome::ok || outcome == acted) && !resource->module->verification;
}

void Recheck::note_written(const Instance& instance, std::span<const Action> actions) {
  const std::size_t place = records_.size();
  written_.add(place, instance.label, instance.claims, may_change_anything(actions));
  written_.add(place, instance.label, groups_of_users(actions), false);
  if (!instance.real_claims.empty()) written_.add(place, instance.label, instance.real_claims, false);
}

void Recheck::look_again(std::size_t first, const Drifted& drifted) {
  for (std::size_t place = first; place < records_.size(); ++place) {
    if (written_.settled_since(place)) break;
    ResourceRecord& record = records_[place];
    if (!record.is_converged(acted_)) continue;
    std::string reason;
    // What is not known, and what refers to a resource that is, is not looked at again.
    const AttemptResult looked = result_of({}, [&]() -> AttemptResult {
      reason = drift_of(place);
      return attempted::Ok{};
    });
    if (const auto* failed = std::get_if<attempted::Failed>(&looked); failed && failed->kind)
      reason = "it could not be inspected again: " + failed->reason;
    if (!reason.empty()) drifted(record, std::exchange(record.outcome, Outcome::not_converged), reason);
  }
}

// "" if it has not drifted.
std::string Recheck::drift_of(std::size_t place) const {
  const ResourceRecord& record = records_[place];
  const Instance i = values_.fill(record);
  auto writer = written_.later_writer(place, i.claims);
  if (!writer) writer = written_.later_writer(place, record.real_claims);
  if (!writer) return "";
  host_.begin(record.label);
  const Module& module = *record.resource->module;
  const std::any current = module.inspect(i.desired, host_.as(record.identity));
  const Diff rest = module.diff(i.desired, current, false);
  if (!has_state_changes(rest)) return "";
  return "no longer as desired after " + *writer + ": " + describe_rest(rest);
}

}  // namespace mlops
