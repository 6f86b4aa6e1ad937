#include "engine/convergence.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds settle_interval{100};
constexpr const char* does_not_stay = "it does not stay up: it ends and starts again";

std::string short_text(const Value& value) {
  constexpr std::size_t limit = 60;
  std::string text = value.is_null() ? "absent" : value.to_text();
  if (text.size() > limit) text = text.substr(0, limit) + "…";
  return text;
}

}  // namespace

bool has_state_changes(const Diff& diff) {
  return std::any_of(diff.changes.begin(), diff.changes.end(), [](const Change& c) { return c.is_state(); });
}

std::string describe_rest(const Diff& diff) {
  std::string text;
  for (const Change& change : diff.changes) {
    if (!change.is_state()) continue;
    if (!text.empty()) text += ", ";
    text += change.property;
    if (!change.sensitive)
      text += fmt::format(" is {}, expected {}", short_text(change.before), short_text(change.after));
  }
  return text;
}

AttemptResult Convergence::prove(const Instance& i, std::vector<Change> changes,
                                 std::vector<std::string> maybe) {
  const Module& module = *i.resource->module;
  const auto deadline = Clock::now() + context_.options.settle;
  std::optional<Clock::time_point> end;  // until when it is watched to stay converged
  for (;;) {
    context_.host.begin(i.label);
    try {
      const std::any current = module.inspect(i.desired, context_.host.as(i.identity));
      const Diff rest = module.diff(i.desired, current, false);
      const std::uint64_t unsettled = has_state_changes(rest) ? 0 : module.unsettled_ms(i.desired, current);
      if (unsettled != 0) {
        if (!end) end = std::max(deadline, Clock::now()) + std::chrono::milliseconds(unsettled);
        if (Clock::now() >= *end) return not_converged(i, does_not_stay, std::move(changes), std::move(maybe));
      } else if (!has_state_changes(rest)) {
        module.amend(changes, i.desired, current);
        take_effect(i, current);
        return attempted::Changed{std::move(changes), std::move(maybe)};
      } else if (!module.settles || Clock::now() >= std::max(deadline, end.value_or(deadline))) {
        return not_converged(i, "after the change, " + describe_rest(rest), std::move(changes),
                             std::move(maybe));
      }
    } catch (const Unknown&) {  // a plan: only the real run can decide
      values_.scope().set_unknown(i.resource->id, i.key, i.label);
      return attempted::Changed{std::move(changes), std::move(maybe)};
    }
    pause();
  }
}

AttemptResult Convergence::not_converged(const Instance& i, std::string reason, std::vector<Change> changes,
                                         std::vector<std::string> maybe) {
  attempted::Failed failed;
  failed.outcome = Outcome::not_converged;
  failed.reason = std::move(reason);
  failed.output = evidence(i);
  failed.changes = std::move(changes);
  failed.maybe = std::move(maybe);
  return failed;
}

Diff Convergence::settled_diff(const Instance& i, std::any& current, const std::function<std::any()>& inspect) {
  const Module& module = *i.resource->module;
  std::optional<Clock::time_point> end;
  for (;;) {
    Diff diff = module.diff(i.desired, current, i.notified.has_value());
    const std::uint64_t unsettled = diff.empty() ? module.unsettled_ms(i.desired, current) : 0;
    if (unsettled == 0) return diff;
    if (!end) end = Clock::now() + context_.options.settle + std::chrono::milliseconds(unsettled);
    if (Clock::now() >= *end) throw Error(does_not_stay).with_output(evidence(i));
    pause();
    current = inspect();
  }
}

void Convergence::take_effect(const Instance& i, const std::any& current) {
  extend_path(i, current);
  if (!i.resource->id.empty()) values_.give(i, i.resource->module->outputs(i.desired, current));
}

void Convergence::extend_path(const Instance& i, const std::any& current) {
  const Environment environment = i.resource->module->environment(i.desired, current);
  if (!environment.path.empty()) context_.host.add_to_path({environment.user}, environment.path);
}

// The machine's log lines about it since it began; "" if there are none, or they cannot be read.
std::string Convergence::evidence(const Instance& i) {
  using namespace std::chrono;
  const auto since = duration_cast<microseconds>(i.began.time_since_epoch()).count();
  std::string lines;
  static_cast<void>(result_of({}, [&]() -> AttemptResult {
    lines = i.resource->module->evidence(i.desired, context_.host.as(i.identity),
                                         static_cast<std::uint64_t>(since));
    return attempted::Ok{};
  }));
  return lines;
}

void Convergence::pause() {
  pollfd wait{context_.cancellation.fd(), POLLIN, 0};
  ::poll(&wait, 1, static_cast<int>(settle_interval.count()));
  context_.cancellation.check();
}

}  // namespace mlops
