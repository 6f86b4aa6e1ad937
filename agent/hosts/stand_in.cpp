#include "hosts/stand_in.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/person.hpp"
#include "engine/run_options.hpp"
#include "engine/run_scope.hpp"
#include "playbook/condition.hpp"
#include "playbook/scopes.hpp"

namespace mlops {
namespace {

// What is known of any host: the values of the others. Facts are those of the host.
class OtherValues : public RunScope {
 public:
  using RunScope::RunScope;
  std::optional<Value> lookup(const std::vector<std::string>& path) const override {
    if (!path.empty() && (path[0] == "facts" || path[0] == "item")) throw Unknown{};
    return RunScope::lookup(path);
  }
};

// Why it does not match; absent if it does, or if that is not known.
std::optional<std::string> known_mismatch(const Value& when, const Scope& scope) {
  if (when.is_null()) return std::nullopt;
  try {
    Verdict verdict = evaluate(when, scope);
    if (!verdict.matches) return std::move(verdict.reason);
  } catch (const Unknown&) {
  } catch (const SkippedReference&) {
  } catch (const InterpolationError&) {  // reported where the play runs
  } catch (const Error&) {
  }
  return std::nullopt;
}

std::optional<std::string> known_mismatch(const Resource& resource, const Scopes& scopes) {
  std::optional<std::string> reason = known_mismatch(resource.when, scopes.of(resource.include));
  for (const Include* include = resource.include; include; include = include->outer)
    if (auto outer = known_mismatch(include->when, scopes.of(include->outer))) reason = std::move(outer);
  return reason;
}

}  // namespace

StandIn::StandIn(std::string name, bool is_named, const Playbook& playbook, const PartSettings& selection,
                 Reason reason, EventSink sink)
    : playbook_(playbook), selection_(selection), sink_(std::move(sink)), facts_(current_person()) {
  values_.name = std::move(name);
  values_.is_named = is_named;
  set(std::move(reason));
}

void StandIn::set(Reason reason) {
  reason_ = std::move(reason);
  values_.waits_for = reason_.outcome == Outcome::unknown ? reason_.cause : "";
  values_.lost = reason_.outcome != Outcome::unknown;
  if (values_.lost) values_.is_named = true;  // nothing waits for its name
}

std::optional<std::string> StandIn::mismatch(std::size_t index, const std::vector<HostValues>& others) const {
  OtherValues values(facts_);
  values.set_others(others);
  const Scopes scopes(playbook_, &values);
  const Play& play = playbook_.plays[index];
  if (auto reason = known_mismatch(play.when, scopes.of(play.include))) return reason;
  std::optional<std::string> reason;
  for (const Resource& resource : play.resources) {
    reason = known_mismatch(resource, scopes);
    if (!reason) return std::nullopt;
  }
  return reason;
}

bool StandIn::is_selected(const Resource& resource) const {
  RunOptions options;
  options.only = selection_.only;
  options.tags = selection_.tags;
  return mlops::is_selected(options, resource);
}

bool StandIn::has_selected(const Play& play) const {
  return std::any_of(play.resources.begin(), play.resources.end(),
                     [&](const Resource& resource) { return is_selected(resource); });
}

void StandIn::begin(Pass, const std::vector<std::size_t>&) {
  result_ = {};
  values_.resources.clear();
}

void StandIn::play(std::size_t index, const std::vector<HostValues>& others) {
  OtherValues values(facts_);
  values.set_others(others);
  const Scopes scopes(playbook_, &values);
  const Play& play = playbook_.plays[index];
  const auto skipped = known_mismatch(play.when, scopes.of(play.include));
  sink_(PlayStarted{play.name, values_.name, skipped});
  for (const Resource& resource : play.resources) {
    auto mismatch = skipped ? skipped : known_mismatch(resource, scopes);
    conclude(resource, mismatch ? Reason{Outcome::skipped, *std::move(mismatch), ""} : reason_);
  }
}

void StandIn::conclude(const Resource& resource, const Reason& reason) {
  const bool waits = reason.outcome == Outcome::unknown;
  ResourceFinished event;
  event.label = label_of(resource, resource.parameters);
  if (!resource.id.empty())
    values_.resources[resource.id] = {{"",
                                       {waits                  ? Given::State::unknown
                                        : reason.cause.empty() ? Given::State::skipped
                                                               : Given::State::failed,
                                        event.label,
                                        reason.cause,
                                        {}}}};
  if (!is_selected(resource)) return;
  event.id = resource.id;
  event.type = resource.module->type;
  event.host = values_.name;
  event.outcome = reason.outcome;
  event.reason = reason.text;
  ++result_.counts[static_cast<std::size_t>(event.outcome)];
  sink_(event);
}

}  // namespace mlops
