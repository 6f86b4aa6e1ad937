#include "engine/attempt_result.hpp"

#include <utility>

#include "base/overloaded.hpp"
#include "base/short_list.hpp"
#include "playbook/interpolation.hpp"

namespace mlops {
namespace {

using namespace attempted;

Skipped skipped_for(const SkippedReference& reference, const Failures& failures) {
  std::optional<std::string> cause = failures.cause_of(reference.label);
  if (!reference.cause.empty()) cause = reference.cause;
  if (cause) return {*cause + " failed", cause};
  return {"it refers to " + reference.label + ", which was skipped", {}};
}

}  // namespace

AttemptResult result_of_exception(const Failures& failures) {
  try {
    throw;
  } catch (const Unknown& unknown) {
    return unknown;
  } catch (const SkippedReference& reference) {
    return skipped_for(reference, failures);
  } catch (const InterpolationError& e) {
    Failed failed;
    failed.reason = e.diagnostic.message;
    failed.mistake = e.diagnostic;
    return failed;
  } catch (const Error& e) {
    return failed_with(e);
  } catch (const std::exception& e) {
    Failed failed;
    failed.reason = e.what();
    return failed;
  }
}

Failed failed_with(const Error& error) {
  Failed failed;
  failed.reason = error.kind() == ErrorKind::cancelled ? "interrupted" : error.what();
  failed.output = error.output();
  failed.kind = error.kind();
  return failed;
}

AttemptResult unless_awaited(AttemptResult result, const Host& host) {
  const auto* failed = std::get_if<Failed>(&result);
  const bool by_absence =
      failed && (failed->kind == ErrorKind::other || failed->kind == ErrorKind::unavailable);
  if (!by_absence) return result;
  std::vector<std::string> awaited = host.awaited();
  if (awaited.empty()) return result;
  return Unknown{std::move(awaited), ""};
}

AttemptResult with_changes(AttemptResult result, const std::vector<Change>& changes) {
  if (auto* failed = std::get_if<Failed>(&result); failed && failed->outcome == Outcome::failed)
    failed->changes = changes;
  return result;
}

ResourceFinished finished_event(AttemptResult result, Outcome acted) {
  ResourceFinished event;
  std::visit(overloaded{[](const Ok&) {},
                        [&](Changed& changed) {
                          event.outcome = acted;
                          event.changes = std::move(changed.changes);
                          event.maybe = std::move(changed.maybe);
                        },
                        [&](Skipped& skipped) {
                          event.outcome = Outcome::skipped;
                          event.reason = std::move(skipped.reason);
                        },
                        [&](Unknown& unknown) {
                          event.outcome = Outcome::unknown;
                          event.reason = unknown.waits_for.empty()
                                             ? std::move(unknown.reason)
                                             : "waits for " + short_list(unknown.waits_for);
                        },
                        [&](Failed& failed) {
                          event.outcome = failed.outcome;
                          event.changes = std::move(failed.changes);
                          event.maybe = std::move(failed.maybe);
                          event.reason = std::move(failed.reason);
                          event.output = std::move(failed.output);
                        },
                        [](const Waiting&) {}},
             result);
  return event;
}

bool is_worth_retrying(const AttemptResult& result) {
  const auto* failed = std::get_if<Failed>(&result);
  return failed && !failed->mistake && failed->kind != ErrorKind::cancelled &&
         failed->kind != ErrorKind::privilege;
}

}  // namespace mlops
