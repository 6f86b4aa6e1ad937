#include "engine/outcome_recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"
#include "engine/made_resources.hpp"

namespace mlops {
namespace {

using namespace attempted;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void OutcomeRecorder::record(Instance& i, AttemptResult result) {
  if (std::holds_alternative<Waiting>(result)) return;
  std::visit(
      overloaded{[](const Ok&) {}, [](const Waiting&) {},
                 [&](const Changed& changed) {
                   notifications_.notify(i.resource->notify, i.label, changed.maybe.empty());
                 },
                 [&](Failed& failed) { note(i, failed); }, [&](const Skipped& skipped) { note(i, skipped); },
                 [&](const Unknown& unknown) { note(i, unknown); }},
      result);
  if (is_selected(context_.options, *i.resource) || std::holds_alternative<Failed>(result))
    finish(i, finished_event(std::move(result), context_.options.acted));
}

void OutcomeRecorder::note(Instance& i, Failed& failed) {
  if (failed.mistake) result_.mistakes.add(*std::move(failed.mistake));
  // The changes are needed all the same. A failed simulation may be due to another concurrent run: the real run
  // inspects again, with the lock held.
  const bool pending = failed.pending || !failed.changes.empty() || failed.outcome == Outcome::not_converged;
  if (pending) result_.pending.push_back({i.identity, i.label});
  if (!failed.dependents_go_on) fail(i);
}

void OutcomeRecorder::fail(const Instance& i) {
  Claims claims = i.claims;
  claims.insert(claims.end(), i.real_claims.begin(), i.real_claims.end());
  unreliable_.failed.add({i.label, i.resource->id, i.label, std::move(claims), i.play});
  values_.scope().set_failed(i.resource->id, i.key, i.label, i.label);
}

void OutcomeRecorder::note(Instance& i, const Skipped& skipped) {
  if (skipped.cause) {
    unreliable_.failed.add({i.label, i.resource->id, *skipped.cause, i.claims, i.play});
    values_.scope().set_failed(i.resource->id, i.key, i.label, *skipped.cause);
  } else {
    values_.scope().set_skipped(i.resource->id, i.key, i.label);
  }
}

void OutcomeRecorder::note(Instance& i, const Unknown&) {
  const Module& module = *i.resource->module;
  values_.scope().set_unknown(i.resource->id, i.key, i.label);
  if (!is_selected(context_.options, *i.resource)) return;
  notifications_.notify(i.resource->notify, i.label, false);
  if (!module.verification) {
    unreliable_.unknown.add({i.label, i.resource->id, i.label, i.claims, i.play});
    const bool bounded = i.desired.has_value() ? module.bounded(i.desired) : !module.opaque;
    if (!bounded) {
      context_.host.begin(i.label);
      context_.host.unforeseen();
    }
  }
  if (i.identity.user.empty()) assume_identity(i);
}

// The user to run as may depend on values that are not filled in yet.
void OutcomeRecorder::assume_identity(Instance& i) {
  const std::string& as = i.resource->as;
  if (i.as.empty() && as.find("{{") == std::string::npos) i.as = as;
  i.identity_is_assumed = i.as.empty();
  i.identity = context_.identities.decide({Actor::Kind::person, "", ""}, i.as);
}

void OutcomeRecorder::finish(Instance& i, ResourceFinished event) {
  const Outcome outcome = event.outcome, acted = context_.options.acted;
  if ((outcome == acted || outcome == Outcome::unknown) && !i.identity.user.empty())
    result_.pending.push_back({i.identity, i.label});
  if ((outcome == Outcome::ok || outcome == acted) && !i.interrupted.empty()) {
    context_.host.mark_recovered(i.identity, i.interrupted);
    result_.pending.push_back({i.identity, i.label});
  }
  ResourceRecord record{i, i.label, i.identity, outcome, false, i.real_claims};
  record.made = outcome == acted && i.resource->module->made(i.desired, event.changes);
  if (record.is_converged(acted)) result_.digest += digest_of(i);
  recheck_.add(std::move(record));
  emit(i, std::move(event));
}

void OutcomeRecorder::record_drift(const ResourceRecord& record, Outcome was, const std::string& reason) {
  --result_.counts[static_cast<std::size_t>(was)];
  Instance i(record);
  i.label = record.label;
  i.identity = record.identity;
  fail(i);
  ResourceFinished event;
  event.outcome = Outcome::not_converged;
  event.reason = reason;
  emit(i, std::move(event));
}

void OutcomeRecorder::emit(Instance& i, ResourceFinished event) {
  event.label = i.label;
  event.id = i.resource->id + (i.key.empty() || i.resource->id.empty() ? "" : "[" + i.key + "]");
  event.type = i.resource->module->type;
  event.host = context_.options.host;
  event.as = i.identity_is_assumed ? "" : i.identity.user;
  event.seconds = seconds_since(i.started);
  event.note = std::move(i.note);
  ++result_.counts[static_cast<std::size_t>(event.outcome)];
  if (context_.options.observer)
    context_.options.observer->finished(i.play, i.label, event.outcome, event.reason);
  context_.sink(event);
}

}  // namespace mlops
