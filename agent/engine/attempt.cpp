#include "engine/attempt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/concealing.hpp"
#include "engine/replaced_size.hpp"

namespace mlops {
namespace {

using namespace attempted;

bool may_change_links(const Diff& diff) {
  return std::any_of(diff.actions.begin(), diff.actions.end(), [](const Action& a) {
    return !std::holds_alternative<WriteFile>(a) && !std::holds_alternative<SetAttributes>(a) &&
           !std::holds_alternative<CreateDirectory>(a);
  });
}

bool is_one_write(const Diff& diff) {
  return diff.actions.size() == 1 && std::holds_alternative<WriteFile>(diff.actions[0]);
}

std::string in_bytes(std::uint64_t bytes) {
  return bytes < 1'000'000 ? fmt::format("{} bytes", bytes)
                           : fmt::format("{:.0f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

Attempted Attempt::attempt(const Element& element, bool untrusted) {
  Attempted attempted{unfilled(element), Ok{}};
  parts_.performer.begin(attempted.instance.label);
  AttemptResult result =
      result_of(parts_.unreliable.failed, [&] { return converge(attempted.instance, element, untrusted); });
  attempted.result = unless_awaited(std::move(result), parts_.context.host);
  return attempted;
}

AttemptResult Attempt::converge(Instance& i, const Element& element, bool untrusted) {
  const Resource& r = *element.resource;
  if (auto reason = parts_.values.mismatch(element)) return Skipped{*std::move(reason), {}};
  i = parts_.values.fill(element);
  i.untrusted = untrusted;
  parts_.claims.add(i);
  parts_.performer.begin(i.label);
  if (!r.id.empty()) i.notified = parts_.notifications.of(r.id);
  if (i.notified) i.note = i.notified->note;
  // Failures come first: the values of a skipped resource need not be known.
  if (const auto cause = failed_dependency(i)) return Skipped{*cause + " failed", cause};
  i.identity = parts_.context.identities.decide(i.actor, i.as);
  parts_.context.identities.require_trusted(i.actor, i.identity);
  if (!is_selected(parts_.context.options, r)) return read_outputs(i);
  if (!parts_.unreliable.unknown.empty())
    if (auto label = parts_.unreliable.unknown.cause(with_implied(i.claims, i.as), {}, false, i.play))
      return Unknown{{*std::move(label)}, ""};
  return inspect_and_change(i);
}

// The first cause for which it is skipped.
std::optional<std::string> Attempt::failed_dependency(const Instance& i) const {
  const Failures& failed = parts_.unreliable.failed;
  if (failed.empty()) return std::nullopt;
  const Module& module = *i.resource->module;
  // A notified resource runs even if other resources failed.
  const bool opaque = module.opaque && !i.notified && !module.waits_for_notification(i.desired);
  return failed.cause(with_implied(i.claims, i.as), i.resource->after, opaque, i.play);
}

// Only for its outputs and its command path: nothing is changed or reported.
AttemptResult Attempt::read_outputs(Instance& i) {
  const Module& module = *i.resource->module;
  if (module.verification) return Ok{};
  parts_.batch.perform();
  parts_.context.host.begin(i.label);
  AttemptResult read = result_of(parts_.unreliable.failed, [&]() -> AttemptResult {
    const std::any current = module.inspect(i.desired, parts_.context.host.as(i.identity));
    if (auto reason = module.not_applicable(i.desired, current)) return Skipped{*std::move(reason), {}};
    if (!i.resource->id.empty()) parts_.values.give(i, module.outputs(i.desired, current));
    if (module.diff(i.desired, current, false).empty()) parts_.convergence.extend_path(i, current);
    return Ok{};
  });
  if (const auto* failed = std::get_if<Failed>(&read)) return Skipped{failed->reason, {}};
  return read;
}

AttemptResult Attempt::inspect_and_change(Instance& i) {
  const Module& module = *i.resource->module;
  limit_dependencies(i);
  parts_.context.sink(ResourceStarted{i.label, parts_.context.options.host, i.identity.user});
  tell_account(i);
  recovery_.find_interrupted(i);
  recover(i);
  Preconditions preconditions;
  std::any current = inspect(i, preconditions);
  if (parts_.batch.is_awaited_by(i)) {
    parts_.batch.perform();
    parts_.context.host.begin(i.label);
    preconditions = {};
    current = inspect(i, preconditions);
  }
  if (auto reason = module.not_applicable(i.desired, current)) return Skipped{*std::move(reason), {}};
  Diff diff = parts_.convergence.settled_diff(i, current, [&] { return inspect(i, preconditions); });
  conceal(*parts_.context.playbook.secrets, diff);
  if (diff.empty()) {
    show_observer(i, std::move(preconditions), diff);
    return unchanged(i, current);
  }
  agree_to_loss(i, diff);
  i.identity = parts_.context.identities.decide_to_change(i.actor, i.as, i.identity);
  if (auto failed = missing_right(i, diff)) return *std::move(failed);
  note_not_kept(i, diff);
  show_observer(i, std::move(preconditions), diff);
  return change(i, std::move(diff));
}

AttemptResult Attempt::unchanged(Instance& i, const std::any& current) {
  parts_.convergence.take_effect(i, current);
  if (!i.recovered.empty()) return Changed{i.recovered, {}};
  if (!parts_.batch.empty()) return Waiting{};  // its event comes after those of what waits
  return Ok{};
}

AttemptResult Attempt::change(Instance& i, Diff diff) {
  std::vector<std::string> maybe = parts_.context.host.doubts();
  if (is_one_write(diff) && parts_.batch.accepts(*i.resource)) {
    if (!parts_.batch.accepts(i.identity)) parts_.batch.perform();
    return Waiting{std::move(diff), std::move(maybe)};
  }
  if (i.notified && !i.notified->certain && !has_state_changes(diff))
    maybe.insert(maybe.end(), i.notified->maybe.begin(), i.notified->maybe.end());
  parts_.batch.perform();
  return act(i, diff, std::move(maybe));
}

// A change that no permitted user can make fails in a plan too, and stays pending. Its dependents are planned
// as if it were made, so that every resource that needs the privilege is reported.
std::optional<Failed> Attempt::missing_right(Instance& i, const Diff& diff) {
  Host& host = parts_.context.host;
  AttemptResult right = result_of(parts_.unreliable.failed, [&]() -> AttemptResult {
    host.require_right(i.identity);
    return Ok{};
  });
  auto* failed = std::get_if<Failed>(&right);
  if (!failed) return std::nullopt;
  failed->pending = !diff.changes.empty();
  failed->dependents_go_on = true;
  const Step step{parts_.performer.describe_step(i, diff.changes), diff.actions};
  parts_.batch.perform();
  parts_.performer.note_written(i, diff.actions);
  // On an overlay; a real host refuses it as well.
  static_cast<void>(parts_.performer.perform(i.identity, i.label, {&step, 1}));
  return std::move(*failed);
}

AttemptResult Attempt::act(Instance& i, const Diff& diff, std::vector<std::string> maybe) {
  // Noted on failure too: some actions may have been done.
  parts_.performer.note_written(i, diff.actions);
  if (may_change_links(diff)) real_paths_.forget();
  AttemptResult result = result_of(parts_.unreliable.failed, [&]() -> AttemptResult {
    parts_.performer.perform(i, parts_.performer.describe_step(i, diff.changes), diff.actions);
    i.interrupted.clear();
    std::vector<Change> changes = i.recovered;
    changes.insert(changes.end(), diff.changes.begin(), diff.changes.end());
    return parts_.convergence.prove(i, std::move(changes), std::move(maybe));
  });
  parts_.context.identities.forget();
  if (auto* failed = std::get_if<Failed>(&result); failed && failed->outcome == Outcome::failed)
    failed->leaves_doubt = leaves_doubt(diff.actions);
  return with_changes(std::move(result), diff.changes);
}

// A question of an opaque resource waits for everything pending, or, with `after`, for what that names and for
// its own claims.
void Attempt::limit_dependencies(const Instance& i) {
  parts_.context.host.begin(i.label);
  const Resource& r = *i.resource;
  if (r.after.empty() || !r.module->opaque) return;
  const Claims claims = with_implied(i.claims, i.identity.user);
  std::vector<std::string> labels = parts_.changed.depended_on(claims, r.after);
  for (std::string& one : parts_.unreliable.unknown.depended_on(claims, r.after))
    labels.push_back(std::move(one));
  parts_.context.host.depends_only_on(std::move(labels));
}

void Attempt::recover(Instance& i) {
  const std::vector<Action> actions = recovery_.actions(i);
  if (actions.empty()) return;
  if (RunObserver* observer = parts_.context.options.observer)
    observer->recovers({i.play, i.label, i.identity.user, i.parameters(), {}}, actions);
  parts_.batch.perform();
  recovery_.perform(i, actions, parts_.performer);
}

std::any Attempt::inspect(Instance& i, Preconditions& preconditions) {
  const Module& module = *i.resource->module;
  const Machine& machine = parts_.context.host.as(i.identity);
  const auto look = i.untrusted ? module.inspect_interrupted : module.inspect;
  const auto read_recorder =
      parts_.context.options.observer ? make_read_recorder(machine, preconditions) : nullptr;
  const LinkRecorder recorder(read_recorder ? *read_recorder : static_cast<const MachineReader&>(machine));
  std::any current = look(i.desired, recorder);
  i.real_claims = real_paths_.renamed(i.claims, machine.files(), recorder.links());
  return current;
}

void Attempt::tell_account(const Instance& i) {
  if (!i.resource->module->account) return;
  const CloudScope scope = i.resource->module->account(i.desired);
  if (!told_accounts_.insert(scope).second) return;
  try {
    const CloudCaller who = parts_.context.host.as(i.identity).cloud().caller(scope);
    parts_.context.sink(AccountUsed{who.account, who.arn, who.credentials, who.region, who.region_source});
  } catch (const Error& e) {
    // The inspection meets it too, and is reported; but a person who answered is not asked again for nothing.
    if (e.kind() == ErrorKind::denied || e.kind() == ErrorKind::cancelled) throw;
  }
}

void Attempt::agree_to_loss(Instance& i, const Diff& diff) const {
  if (diff.loss.empty()) return;
  const auto& agree = parts_.context.options.agree_to_loss;
  if (agree) return agree(i.label, diff.loss);
  if (parts_.context.options.acted == Outcome::changed) throw Error(diff.loss + "; --recreate is needed");
  i.note += fmt::format("{}an apply needs --recreate, or a yes on the terminal", i.note.empty() ? "" : ", ");
}

void Attempt::show_observer(const Instance& i, Preconditions preconditions, const Diff& diff) {
  RunObserver* observer = parts_.context.options.observer;
  if (!observer) return;
  const Inspection seen{i.play, i.label, i.identity.user, i.parameters(), std::move(preconditions)};
  observer->inspected(seen, diff, parts_.context.host.doubts());
}

// What is larger than the limit is not kept and cannot be restored: report that before it is replaced.
void Attempt::note_not_kept(Instance& i, const Diff& diff) {
  const std::uint64_t limit = parts_.context.options.keep_limit;
  if (limit == 0 || i.resource->module->made(i.desired, diff.changes)) return;
  const FileReader& files = parts_.context.host.as(i.identity).files();
  if (!replaces_more_than(limit, diff.actions, files)) return;
  i.note += fmt::format("{}the replaced content is not kept: it is more than {}", i.note.empty() ? "" : ", ",
                        in_bytes(limit));
}

}  // namespace mlops
