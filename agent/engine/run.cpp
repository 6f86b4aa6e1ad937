#include "engine/run.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "engine/concealing.hpp"
#include "engine/made_resources.hpp"

namespace mlops {
namespace {

using namespace attempted;

bool any_after(const Playbook& playbook) {
  return std::any_of(playbook.plays.begin(), playbook.plays.end(), [](const Play& play) {
    return std::any_of(play.resources.begin(), play.resources.end(),
                       [](const Resource& resource) { return !resource.after.empty(); });
  });
}

// Ends early when cancelled.
void wait(std::chrono::milliseconds delay, const Cancellation& cancellation) {
  using namespace std::chrono;
  const auto until = steady_clock::now() + delay;
  while (!cancellation.cancelled() && steady_clock::now() < until) {
    const auto left =
        std::min<std::int64_t>(duration_cast<milliseconds>(until - steady_clock::now()).count() + 1, 60'000);
    pollfd cancelled{cancellation.fd(), POLLIN, 0};
    ::poll(&cancelled, 1, static_cast<int>(left));
  }
}

}  // namespace

Run::Run(const Playbook& playbook, Host& host, const Facts& facts, IdentityRules& identities,
         const Cancellation& cancellation, EventSink sink, RunOptions options)
    : context_{playbook,
               host,
               identities,
               cancellation,
               concealing(*playbook.secrets, std::move(sink)),
               std::move(options)},
      values_(playbook, facts, identities.person()),
      notifications_(host.earlier().notifications),
      claims_(playbook, context_.options.claimed),
      recheck_(values_, host, context_.options.acted),
      performer_(host, recheck_, any_after(playbook) ? &changed_ : nullptr),
      convergence_(context_, values_),
      outcomes_(context_, values_, notifications_, recheck_, unreliable_, result_),
      batch_(context_, performer_, convergence_, unreliable_.failed,
             [this](Instance& i, AttemptResult result) { conclude(i, std::move(result)); }),
      attempt_({context_, values_, unreliable_, changed_, notifications_, claims_, performer_, convergence_,
                batch_}) {}

void Run::progress(const Progress& p) const {
  if (p.doing.empty()) return context_.sink(TerminalReleased{});
  context_.sink(ProgressMade{performer_.label(), context_.options.host, p.doing, p.done, p.total});
}

PassResult Run::go() {
  for (std::size_t i = 0; i < context_.playbook.plays.size(); ++i) play(i);
  return finish();
}

void Run::play(std::size_t index) {
  if (is_over()) return;
  const Play& play = context_.playbook.plays[index];
  AttemptResult applies = result_of(unreliable_.failed, [&]() -> AttemptResult {
    if (auto reason = values_.mismatch(play)) return Skipped{*std::move(reason), {}};
    return Ok{};
  });
  if (!std::holds_alternative<Ok>(applies)) return skip_play(index, std::move(applies));
  context_.sink(PlayStarted{play.name, context_.options.host, {}});
  const std::size_t first = recheck_.records().size();
  for (const Resource& one : play.resources) {
    if (is_over()) break;
    resource(index, one);
  }
  batch_.perform();
  if (context_.cancellation.cancelled()) return;
  recheck_.look_again(first, [&](const ResourceRecord& record, Outcome was, const std::string& reason) {
    outcomes_.record_drift(record, was, reason);
    stopped_ = stopped_ || context_.options.fail_fast;
  });
}

// Every resource of the play gets this result.
void Run::skip_play(std::size_t index, AttemptResult result) {
  const Play& play = context_.playbook.plays[index];
  if (auto* failed = std::get_if<Failed>(&result); failed && failed->mistake) {
    result_.mistakes.add(*std::move(failed->mistake));
    result = Skipped{std::move(failed->reason), {}};
  }
  const auto* skipped = std::get_if<Skipped>(&result);
  context_.sink(
      PlayStarted{play.name, context_.options.host, skipped ? std::optional(skipped->reason) : std::nullopt});
  for (const Resource& one : play.resources) {
    Instance whole = unfilled({index, &one, "", {}});
    conclude(whole, result);
  }
}

void Run::resource(std::size_t play, const Resource& r) {
  if (!batch_.accepts(r)) batch_.perform();
  bool included = false;
  std::vector<Element> elements;
  AttemptResult found = result_of(unreliable_.failed, [&]() -> AttemptResult {
    if (auto reason = values_.excluded(r)) return Skipped{*std::move(reason), {}};
    included = true;
    elements = values_.elements(play, r);
    return Ok{};
  });
  if (!std::holds_alternative<Ok>(found)) {
    Instance whole = unfilled({play, &r, "", {}});
    conclude(whole, std::move(found));
  }
  for (const Element& one : elements) {
    if (is_over()) break;
    element(one);
  }
  if (included) deliver(r);
}

void Run::element(const Element& element) {
  const Resource& r = *element.resource;
  // When simulating, only a real inspection can succeed on a retry.
  const bool may_retry = context_.options.acted == Outcome::changed || r.module->verification;
  const std::uint64_t retries = may_retry ? r.retry.times : 0;
  Attempted last = attempt_.attempt(element, false);
  bool untrusted = false;
  for (std::uint64_t tried = 1; tried <= retries && is_worth_retrying(last.result); ++tried) {
    const auto& failed = std::get<Failed>(last.result);
    untrusted = untrusted || failed.leaves_doubt;
    context_.sink(ProgressMade{last.instance.label, context_.options.host,
                               fmt::format("{}; trying again ({} of {})", failed.reason, tried, retries)});
    wait(std::chrono::milliseconds(r.retry.delay_ms), context_.cancellation);
    if (context_.cancellation.cancelled())
      last.result = failed_with(Error("interrupted", ErrorKind::cancelled));
    else
      last = attempt_.attempt(element, untrusted);
  }
  conclude(last.instance, std::move(last.result));
}

void Run::conclude(Instance& i, AttemptResult result) {
  if (auto* waiting = std::get_if<Waiting>(&result)) return batch_.add(std::move(i), std::move(*waiting));
  batch_.perform();  // events come in the order of the resources
  const auto* failed = std::get_if<Failed>(&result);
  stopped_ = stopped_ || (context_.options.fail_fast && failed && !failed->dependents_go_on);
  outcomes_.record(i, std::move(result));
}

// The notification stays pending after a failure or an interruption, and while the resource is not part of this
// run.
void Run::deliver(const Resource& r) {
  if (r.id.empty() || unreliable_.failed.has_id(r.id)) return;
  if (!is_selected(context_.options, r) || is_over()) return;
  if (notifications_.deliver(r.id)) context_.host.delivered(r.id);
}

PassResult Run::finish() {
  const RunOptions& options = context_.options;
  const bool is_new = result_.pending.empty() && result_.digest != options.known_digest;
  if (options.lists == RunOptions::Lists::always || (options.lists == RunOptions::Lists::when_new && is_new))
    result_.made = made_resources(recheck_.records(), values_, options.acted);
  if (options.only.empty() && options.tags.empty())
    for (const std::string& target : missing_targets(context_.host.earlier().notifications, context_.playbook))
      context_.host.delivered(target);
  claims_.check(result_.mistakes);
  conceal(*context_.playbook.secrets, result_.mistakes);
  result_.interrupted = context_.cancellation.cancelled();
  return std::move(result_);
}

}  // namespace mlops
