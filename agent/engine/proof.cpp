// Rechecks resources: right after a change, and at the end of a play if a later resource wrote to their claims.
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "engine/instance.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds settle_interval{100};
constexpr const char* does_not_stay = "it does not stay as it is: it ends and begins anew";

std::string short_text(const Value& value) {
  constexpr std::size_t limit = 60;
  std::string text = value.is_null() ? "absent" : value.to_text();
  if (text.size() > limit) text = text.substr(0, limit) + "…";
  return text;
}

// "mode 0644 -> 0600", for a difference that remains.
std::string describe(const Diff& diff) {
  std::string text;
  for (const Change& change : diff.changes) {
    if (change.kind != Change::Kind::state) continue;
    if (!text.empty()) text += ", ";
    text += change.property;
    if (!change.sensitive)
      text += fmt::format(" is {}, wanted {}", short_text(change.before), short_text(change.after));
  }
  return text;
}

}  // namespace

// Inspects again after acting. Returns the remaining difference as a reason; absent when converged. Sets the
// outputs, and completes changes whose values could not be known before.
std::optional<std::string> Run::prove(const Instance& i, std::vector<Change>& changes) {
  const Resource& r = *i.resource;
  const auto deadline = Clock::now() + options_.settle;
  std::optional<Clock::time_point> end;  // until when it is watched to stay converged
  for (;;) {
    host_.begin(i.label);
    try {
      const std::any current = r.module->inspect(i.desired, host_.as(i.identity));
      const Diff rest = r.module->diff(i.desired, current, false);
      const std::uint64_t unsettled = has_state_changes(rest) ? 0 : r.module->unsettled_ms(i.desired, current);
      if (unsettled != 0) {
        if (!end) end = std::max(deadline, Clock::now()) + std::chrono::milliseconds(unsettled);
        if (Clock::now() >= *end) return does_not_stay;
      } else if (!has_state_changes(rest)) {
        r.module->amend(changes, i.desired, current);
        into_effect(i, current);
        if (!r.id.empty()) give(i, r.module->outputs(i.desired, current));
        return std::nullopt;
      } else if (!r.module->settles || Clock::now() >= std::max(deadline, end.value_or(deadline))) {
        return "after acting, " + describe(rest);
      }
    } catch (const Unknown&) {
      run_scope_.set_unknown(r.id, i.key, i.label);
      return std::nullopt;
    }
    pause();
  }
}

void Run::pause() {
  pollfd wait{cancellation_.fd(), POLLIN, 0};
  ::poll(&wait, 1, static_cast<int>(settle_interval.count()));
  cancellation_.check();
}

// A state that was just reached is watched until it counts as settled, or until it differs.
Diff Run::settled_diff(Instance& i, Preconditions& ground, std::any& current) {
  const Module& module = *i.resource->module;
  std::optional<Clock::time_point> end;
  for (;;) {
    Diff diff = module.diff(i.desired, current, i.notified.has_value());
    const std::uint64_t unsettled = diff.empty() ? module.unsettled_ms(i.desired, current) : 0;
    if (unsettled == 0) return diff;
    if (!end) end = Clock::now() + options_.settle + std::chrono::milliseconds(unsettled);
    if (Clock::now() >= *end) throw Error(does_not_stay).with_output(evidence(i));
    pause();
    current = inspect(i, ground);
  }
}

std::string Run::evidence(const Instance& i) {
  using namespace std::chrono;
  const auto since = duration_cast<microseconds>(i.began.time_since_epoch()).count();
  try {
    return i.resource->module->evidence(i.desired, host_.as(i.identity), static_cast<std::uint64_t>(since));
  } catch (const Error&) {
    return "";
  }
}

void Run::look_again(std::size_t first) {
  const bool holds_claims = std::exchange(holds_claims_, false);  // these are held already
  for (std::size_t place = first; place < records_.size(); ++place) {
    if (written_.settled_since(place)) break;
    const Record record = records_[place];
    if (record.outcome != Outcome::ok && record.outcome != options_.acted) continue;
    if (record.resource->module->verification) continue;
    try {
      const Instance i = fill(*record.resource, record.key, record.item ? &*record.item : nullptr);
      auto writer = written_.later_writer(place, i.claims);
      if (!writer) writer = written_.later_writer(place, record.real);
      if (!writer) continue;
      host_.begin(record.label);
      const std::any current = i.resource->module->inspect(i.desired, host_.as(record.identity));
      const Diff rest = i.resource->module->diff(i.desired, current, false);
      if (has_state_changes(rest))
        drifted(records_[place], "it no longer is as wanted after " + *writer + ": " + describe(rest));
    } catch (const Unknown&) {
      // Simulation only: a program with unknown effects will run.
    } catch (const Error& e) {
      drifted(records_[place], std::string("it could not be looked at again: ") + e.what());
    } catch (const SkippedReference&) {
    } catch (const InterpolationError&) {
    }
  }
  holds_claims_ = holds_claims;
  run_scope_.set_item(nullptr);
}

void Run::drifted(Record& record, const std::string& reason) {
  --result_.counts[static_cast<std::size_t>(record.outcome)];
  record.outcome = Outcome::not_converged;
  Instance i;
  i.resource = record.resource;
  i.key = record.key;
  i.label = record.label;
  i.identity = record.identity;
  failed(i);
  ResourceFinished event;
  event.outcome = Outcome::not_converged;
  event.reason = reason;
  finish(i, std::move(event));
}

}  // namespace mlops
