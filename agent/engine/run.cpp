#include "engine/run.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "engine/concealing.hpp"
#include "engine/instance.hpp"
#include "playbook/condition.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string reason_of(const Unknown& unknown) {
  if (unknown.waits_for.empty()) return unknown.reason;
  constexpr std::size_t named = 3;
  std::string text = "waits for ";
  for (std::size_t i = 0; i < std::min(named, unknown.waits_for.size()); ++i)
    text += (i ? ", " : "") + unknown.waits_for[i];
  if (unknown.waits_for.size() > named) text += fmt::format(" and {} more", unknown.waits_for.size() - named);
  return text;
}

bool may_change_links(const Diff& diff) {
  return std::any_of(diff.actions.begin(), diff.actions.end(), [](const Action& a) {
    return !std::holds_alternative<WriteFile>(a) && !std::holds_alternative<SetAttributes>(a) &&
           !std::holds_alternative<CreateDirectory>(a);
  });
}

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

Run::Run(const Playbook& playbook, Host& host, const Facts& facts, IdentityRules& identities,
         const Cancellation& cancellation, EventSink sink, RunOptions options)
    : playbook_(playbook),
      host_(host),
      identities_(identities),
      cancellation_(cancellation),
      sink_(concealing(*playbook.secrets, std::move(sink))),
      options_(std::move(options)),
      run_scope_(facts),
      scopes_(std::make_unique<Scopes>(playbook, &run_scope_)) {
  for (const PendingNotification& pending : host.earlier().notifications) {
    Notification& notified = notified_[pending.target];
    notified.certain = true;
    notified.note += (notified.note.empty() ? "" : ", ") + pending.source;
  }
  for (auto& [id, notified] : notified_) notified.note = "notified by " + notified.note + " in an earlier run";
  // Claims without {{ }} and without a condition were compared when the playbook was loaded.
  for (const Play& play : playbook.plays)
    for (const Resource& resource : play.resources) {
      any_after_ = any_after_ || !resource.after.empty();
      holds_claims_ = holds_claims_ || play.on != playbook.plays[0].on || resource.needs_filling ||
                      !resource.for_each.is_null() || !is_unconditional(resource) || !play.when.is_null();
    }
}

Run::~Run() = default;

void Run::progress(const Progress& p) const {
  sink_(ProgressMade{label_, options_.host, p.doing, p.done, p.total});
}

PassResult Run::go() {
  for (std::size_t i = 0; i < playbook_.plays.size(); ++i) play(i);
  return finish();
}

void Run::play(std::size_t index) {
  if (stopped_ || cancellation_.cancelled()) return;
  play_ = index;
  run(playbook_.plays[index]);
}

PassResult Run::finish() {
  const bool is_new = result_.pending.empty() && result_.digest != options_.known_digest;
  if (options_.lists == RunOptions::Lists::always || (options_.lists == RunOptions::Lists::when_new && is_new))
    list_made();
  drop_stale();
  if (holds_claims_) check_claims(holders_, result_.mistakes);
  conceal(*playbook_.secrets, result_.mistakes);
  result_.interrupted = cancellation_.cancelled();
  return std::move(result_);
}

void Run::run(const Play& play) {
  std::string skipped;
  try {
    if (!play.when.is_null())
      if (const Verdict verdict = evaluate(play.when, scopes_->of()); !verdict.matches)
        skipped = verdict.reason;
  } catch (const InterpolationError& e) {
    result_.mistakes.add(e.diagnostic);
    skipped = e.diagnostic.message;
  } catch (const SkippedReference& e) {
    auto cause = failures_.cause_of(e.label);
    if (!e.cause.empty()) cause = e.cause;
    if (cause) {
      sink_(PlayStarted{play.name, options_.host, *cause + " failed"});
      return each_of(play, [&](Instance& i) { skip_after(i, *cause); });
    }
    skipped = e.label + " was skipped";
  } catch (const Unknown& unknown) {
    sink_(PlayStarted{play.name, options_.host, ""});
    return each_of(play, [&](Instance& i) { not_known(i, unknown); });
  } catch (const Error& e) {
    sink_(PlayStarted{play.name, options_.host, ""});
    return each_of(play, [&](Instance& i) { fail(i, e); });
  }
  sink_(PlayStarted{play.name, options_.host, skipped});
  if (!skipped.empty()) return each_of(play, [&](Instance& i) { skip(i, skipped); });
  const std::size_t first = records_.size();
  for (const Resource& one : play.resources) {
    if (stopped_ || cancellation_.cancelled()) break;
    resource(one);
  }
  flush();
  if (!cancellation_.cancelled()) look_again(first);
}

void Run::each_of(const Play& play, const std::function<void(Instance&)>& tell) {
  for (const Resource& one : play.resources) {
    Instance i;
    i.resource = &one;
    i.label = label_of(one, one.parameters);
    tell(i);
  }
}

bool Run::selected(const Resource& r) const {
  if (options_.only.empty() && options_.tags.empty()) return true;
  const auto has = [](const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  if (has(options_.only, r.id)) return true;
  return std::any_of(r.tags.begin(), r.tags.end(),
                     [&](const std::string& tag) { return has(options_.tags, tag); });
}

void Run::resource(const Resource& r) {
  if (!joins_queue(r)) flush();
  if (!included(r)) return;
  if (r.for_each.is_null())
    instance(r, "", nullptr);
  else
    repeat(r);
  run_scope_.set_item(nullptr);
  deliver(r);
}

// Runs the work. An error is reported for the resource as a whole, and the result is false.
template <class Work>
bool Run::as_a_whole(const Resource& r, const Work& work) {
  Instance whole;
  whole.resource = &r;
  whole.label = label_of(r, r.parameters);
  try {
    const std::optional<std::string> reason = work();
    if (!reason) return true;
    skip(whole, *reason);
  } catch (const Unknown& unknown) {
    not_known(whole, unknown);
  } catch (const SkippedReference& skipped) {
    refer_failed(whole, skipped);
  } catch (const InterpolationError& e) {
    result_.mistakes.add(e.diagnostic);
    fail(whole, Error(e.diagnostic.message));
  } catch (const Error& e) {
    fail(whole, e);
  }
  return false;
}

void Run::repeat(const Resource& r) {
  as_a_whole(r, [&]() -> std::optional<std::string> {
    Diagnostics mistakes;
    const Value over = interpolate(r.for_each, scope_of(r));
    const auto items = expand_for_each(over, mistakes);
    if (!mistakes.empty()) throw InterpolationError{mistakes.list().front()};
    for (const auto& [key, item] : items) {
      if (stopped_ || cancellation_.cancelled()) break;
      instance(r, key, &item);
    }
    return std::nullopt;
  });
}

// Whether all files that include this resource are active; if not, the reason has been reported.
bool Run::included(const Resource& r) {
  std::vector<const Include*> way;
  for (const Include* include = r.include; include; include = include->outer)
    if (!include->when.is_null()) way.push_back(include);
  if (way.empty()) return true;
  return as_a_whole(r, [&]() -> std::optional<std::string> {
    for (auto include = way.rbegin(); include != way.rend(); ++include)
      if (const Verdict verdict = evaluate((*include)->when, scopes_->of((*include)->outer)); !verdict.matches)
        return verdict.reason;
    return std::nullopt;
  });
}

void Run::refer_failed(Instance& i, const SkippedReference& reference) {
  if (!reference.cause.empty()) return skip_after(i, reference.cause);
  if (const auto cause = failures_.cause_of(reference.label)) return skip_after(i, *cause);
  skip(i, "it refers to " + reference.label + ", which was skipped");
}

Run::Instance Run::fill(const Resource& r, const std::string& key, const Value* item) {
  Instance i;
  i.resource = &r;
  i.key = key;
  if (item) i.item = *item;
  run_scope_.set_item(item);
  std::optional<Value> filled;
  if (r.needs_filling) filled = interpolate(r.parameters, scope_of(r));
  const Value& parameters = filled ? *filled : r.parameters;
  i.label = label_of(r, parameters, key);
  Diagnostics mistakes;
  Decoder decoder{mistakes, identities_.person().home, r.where, true, playbook_.files};
  decoder.user = identities_.person().name;
  decoder.ssh_config = playbook_.ssh_config;
  i.desired = r.module->decode(parameters, decoder, {});
  if (!mistakes.empty()) throw InterpolationError{mistakes.list().front()};
  if (!r.as.empty()) {
    Value as(r.as);
    as.where = r.as_where;
    const Value filled_as = interpolate(as, scope_of(r));
    if (holds_secret(filled_as))
      throw InterpolationError{{r.as_where, "`as` cannot be given a secret: it would be seen", "", {}, {}}};
    i.as = filled_as.to_text();
  }
  if (options_.observer) i.parameters = parameters;
  i.claims = r.module->claims(i.desired);
  if (options_.claimed)
    for (const Claim& claim : i.claims)
      if (claim.access != Claim::Access::reads)
        options_.claimed->push_back(std::string(to_text(claim.kind)) + " " + claim.key);
  i.actor = r.module->actor(i.desired);
  if (holds_claims_) {
    const Value* kept = filled ? &filled_.emplace_back(std::move(*filled)) : &r.parameters;
    holders_.push_back({i.label, r.where, i.claims, kept});
  }
  return i;
}

void Run::instance(const Resource& r, const std::string& key, const Value* item) {
  // When simulating, only a real inspection can succeed on a retry.
  const bool may = options_.acted == Outcome::changed || r.module->verification;
  tries_left_ = may ? r.retry.times : 0;
  trying_ = &r;
  half_done_ = false;
  attempt(r, key, item);
  while (std::exchange(again_, false)) {
    wait_to_try(r);
    if (!cancellation_.cancelled()) {
      attempt(r, key, item);
      continue;
    }
    Instance i;
    i.resource = &r;
    i.key = key;
    i.label = label_;
    fail(i, Error("interrupted", ErrorKind::cancelled));
  }
  trying_ = nullptr;
}

// Whether the failure is retried; if so, it is not reported.
bool Run::wants_again(const Instance& i, const Error& error) {
  if (i.resource != trying_ || tries_left_ == 0) return false;
  if (error.kind() == ErrorKind::cancelled || error.kind() == ErrorKind::privilege) return false;
  const std::uint64_t tried = i.resource->retry.times - tries_left_ + 1;
  --tries_left_;
  again_ = true;
  sink_(ProgressMade{i.label, options_.host,
                     fmt::format("{}; trying again ({} of {})", error.what(), tried, i.resource->retry.times)});
  return true;
}

void Run::wait_to_try(const Resource& r) {
  using namespace std::chrono;
  const auto until = Clock::now() + milliseconds(r.retry.delay_ms);
  while (!cancellation_.cancelled() && Clock::now() < until) {
    const auto left =
        std::min<std::int64_t>(duration_cast<milliseconds>(until - Clock::now()).count() + 1, 60'000);
    pollfd wait{cancellation_.fd(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(left));
  }
}

void Run::attempt(const Resource& r, const std::string& key, const Value* item) {
  Instance i;
  i.resource = &r;
  i.key = key;
  i.label = label_of(r, r.parameters, key);
  label_ = i.label;
  host_.begin(i.label);
  run_scope_.set_item(item);
  try {
    if (!r.when.is_null())
      if (const Verdict verdict = evaluate(r.when, scope_of(r)); !verdict.matches)
        return skip(i, verdict.reason);
    i = fill(r, key, item);
    label_ = i.label;
    if (const auto known = notified_.find(r.id); known != notified_.end() && !r.id.empty()) {
      i.notified = known->second;
      i.note = known->second.note;
    }
    // Failures come first: the values of a skipped resource need not be known.
    Claims claims;
    if (!failures_.empty() || !unknown_.empty()) claims = with_implied(i.claims, i.as);
    // A notified resource runs even if other resources failed.
    const bool opaque = r.module->opaque && !i.notified && !r.module->waits_for_notification(i.desired);
    if (!failures_.empty())
      if (const auto cause = failures_.cause(claims, r.after, opaque, play_)) return skip_after(i, *cause);
    i.identity = identities_.decide(i.actor, i.as);
    identities_.require_trusted(i.actor, i.identity);
    if (!selected(r)) return read_only(i);
    if (const auto cause = unknown_.cause(claims, {}, false, play_)) throw Unknown{{*cause}, ""};
    look(i);
  } catch (const SkippedReference& skipped) {
    refer_failed(i, skipped);
  } catch (const Unknown& unknown) {
    not_known(i, unknown);
  } catch (const InterpolationError& e) {
    tries_left_ = 0;  // a retry would give the same result
    result_.mistakes.add(e.diagnostic);
    fail(i, Error(e.diagnostic.message));
  } catch (const Error& e) {
    fail_unless_awaited(i, e);
  } catch (const std::exception& e) {
    fail(i, Error(e.what()));
  }
}

// Only for its outputs and its command path: nothing is changed or reported.
void Run::read_only(Instance& i) {
  const Module& module = *i.resource->module;
  if (module.verification) return;
  flush();
  host_.begin(i.label);
  try {
    const std::any current = module.inspect(i.desired, host_.as(i.identity));
    if (module.not_applicable(i.desired, current))
      return run_scope_.set_skipped(i.resource->id, i.key, i.label);
    give(i, module.outputs(i.desired, current));
    if (module.diff(i.desired, current, false).empty()) into_effect(i, current);
  } catch (const Error&) {
    run_scope_.set_skipped(i.resource->id, i.key, i.label);
  } catch (const Unknown&) {
    run_scope_.set_unknown(i.resource->id, i.key, i.label);
  }
}

namespace {

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

// The resource inspects a path or object whose write is still queued.
bool awaits(const auto& i, const auto& queue) {
  return std::any_of(queue.begin(), queue.end(), [&](const auto& queued) {
    const auto& o = queued.instance;
    return meet(i.claims, o.claims) || meet(i.real, o.claims) || meet(i.claims, o.real) || meet(i.real, o.real);
  });
}

}  // namespace

void Run::look(Instance& i) {
  const Resource& r = *i.resource;
  const Module& module = *r.module;
  begin(i);
  sink_(ResourceStarted{i.label, options_.host, i.identity.user});
  look_for_cut_off(i);
  if (i.doubted) recover(i);
  Preconditions ground;
  std::any current = inspect(i, ground);
  if (awaits(i, queue_)) {
    flush();
    return look(i);
  }
  if (const auto reason = module.not_applicable(i.desired, current)) return skip(i, *reason);
  Diff diff = settled_diff(i, ground, current);
  conceal(*playbook_.secrets, diff);
  if (diff.empty()) {
    show_observer(i, std::move(ground), diff);
    into_effect(i, current);
    if (!r.id.empty()) give(i, module.outputs(i.desired, current));
    if (!i.recovered.empty()) {
      ResourceFinished event;
      event.changes = i.recovered;
      notify(i, true);
      return done(i, options_.acted, std::move(event));
    }
    if (!queue_.empty()) return queue(i, {}, {});
    return done(i, Outcome::ok, {});
  }
  i.identity = identities_.decide_to_change(i.actor, i.as, i.identity);
  require_right(i, diff);
  note_unkept(i, diff);
  show_observer(i, std::move(ground), diff);
  if (joins_queue(r) && diff.actions.size() == 1 && std::holds_alternative<WriteFile>(diff.actions[0]))
    return queue(i, std::move(diff), host_.doubts());
  std::vector<std::string> maybe = host_.doubts();
  if (i.notified && !i.notified->certain && !has_state_changes(diff))
    maybe.insert(maybe.end(), i.notified->maybe.begin(), i.notified->maybe.end());
  flush();
  act(i, diff, std::move(maybe));
}

// A change that no permitted user can make fails in a plan too, and stays pending. Its dependents are planned
// as if it were made, so that every resource that needs the privilege is reported.
void Run::require_right(Instance& i, const Diff& diff) {
  try {
    host_.require_right(i.identity);
  } catch (const Error&) {
    if (!diff.changes.empty()) result_.pending.push_back({i.identity, i.label});
    i.forbidden = true;
    const Step step{purpose(i, diff.changes), diff.actions};
    flush();
    host_.begin(i.label);
    wrote(i, diff.actions);
    static_cast<void>(host_.perform(i.identity, {&step, 1}));  // on an overlay; a real host refuses it as well
    throw;
  }
}

std::any Run::inspect(Instance& i, Preconditions& ground) {
  const Module& module = *i.resource->module;
  const Machine& machine = host_.as(i.identity);
  const auto look = i.doubted ? module.inspect_cut_off : module.inspect;
  const auto read_recorder = options_.observer ? make_read_recorder(machine, ground) : nullptr;
  const LinkRecorder recorder(read_recorder ? *read_recorder : static_cast<const MachineReader&>(machine));
  std::any current = look(i.desired, recorder);
  i.real = real_paths_.renamed(i.claims, machine.files(), recorder.links());
  return current;
}

void Run::show_observer(const Instance& i, Preconditions ground, const Diff& diff) {
  if (!options_.observer) return;
  const Inspection seen{play_, i.label, i.identity.user, i.parameters, std::move(ground)};
  options_.observer->inspected(seen, diff, host_.doubts());
}

void Run::act(Instance& i, const Diff& diff, std::vector<std::string> maybe) {
  label_ = i.label;
  // Recorded on failure too: some actions may have been done.
  wrote(i, diff.actions);
  if (may_change_links(diff)) real_paths_.forget();
  try {
    host_.begin(i.label);
    const Step step{purpose(i, diff.changes), diff.actions};
    for (const auto& error : host_.perform(i.identity, {&step, 1}))
      if (error) throw *error;
    i.cut_off.clear();
    identities_.forget();
    ResourceFinished event;
    event.changes = i.recovered;
    event.changes.insert(event.changes.end(), diff.changes.begin(), diff.changes.end());
    event.maybe = std::move(maybe);
    if (const auto remains = prove(i, event.changes)) {
      if (wants_again(i, Error(*remains))) return;
      event.reason = *remains;
      event.output = evidence(i);
      failed(i);
      return done(i, Outcome::not_converged, std::move(event));
    }
    notify(i, event.maybe.empty());
    done(i, options_.acted, std::move(event));
  } catch (const Error& e) {
    identities_.forget();
    half_done_ = leaves_doubt(diff.actions);
    fail_unless_awaited(i, e, diff.changes);
  }
}

// ---- results ------------------------------------------------------------------------------------------------

void Run::notify(const Instance& i, bool certain) {
  for (const std::string& id : i.resource->notify) {
    Notification& pending = notified_[id];
    pending.certain = pending.certain || certain;
    if (!certain) pending.maybe.push_back(i.label);
  }
}

// Under all names of its claims.
void Run::wrote(const Instance& i, std::span<const Action> actions) {
  written_.add(records_.size(), i.label, i.claims, may_change_anything(actions));
  written_.add(records_.size(), i.label, groups_of_users(actions), false);
  if (!i.real.empty()) written_.add(records_.size(), i.label, i.real, false);
  if (!any_after_) return;
  Claims claims = i.claims;
  claims.insert(claims.end(), i.real.begin(), i.real.end());
  pending_.add({i.label, i.resource->id, i.label, std::move(claims), play_});
}

// A question of an opaque resource waits for everything pending, or, with `after`, for what that names and for
// its own claims.
void Run::begin(const Instance& i) {
  host_.begin(i.label);
  const Resource& r = *i.resource;
  if (r.after.empty() || !r.module->opaque) return;
  const Claims claims = with_implied(i.claims, i.identity.user);
  std::vector<std::string> labels = pending_.depended_on(claims, r.after);
  for (std::string& one : unknown_.depended_on(claims, r.after)) labels.push_back(std::move(one));
  host_.depends_only_on(std::move(labels));
}

// Later commands of the same user find its folders in PATH.
void Run::into_effect(const Instance& i, const std::any& current) {
  const Environment environment = i.resource->module->environment(i.desired, current);
  if (!environment.path.empty()) host_.add_to_path({environment.user}, environment.path);
}

void Run::fail(Instance& i, const Error& error, std::vector<Change> changes) {
  if (wants_again(i, error)) return;
  // The change is desired all the same. A failed simulation may be due to another concurrent run: the real run
  // inspects again, with the lock held.
  if (!changes.empty()) result_.pending.push_back({i.identity, i.label});
  ResourceFinished event;
  event.changes = std::move(changes);
  event.reason = error.kind() == ErrorKind::cancelled ? "interrupted" : error.what();
  event.output = error.output();
  flush();
  if (!i.forbidden) failed(i);
  done(i, Outcome::failed, std::move(event));
}

// A failure that a pending package may resolve is not a failure yet.
void Run::fail_unless_awaited(Instance& i, const Error& error, std::vector<Change> changes) {
  const std::vector<std::string> awaited = host_.awaited();
  const bool by_absence = error.kind() == ErrorKind::other || error.kind() == ErrorKind::unavailable;
  if (awaited.empty() || !by_absence) return fail(i, error, std::move(changes));
  not_known(i, Unknown{awaited, ""});
}

void Run::give(const Instance& i, Outputs outputs) {
  mark_secrets(*playbook_.secrets, outputs);
  run_scope_.set_outputs(i.resource->id, i.key, i.label, std::move(outputs));
}

void Run::failed(const Instance& i) {
  Claims claims = i.claims;
  claims.insert(claims.end(), i.real.begin(), i.real.end());
  failures_.add({i.label, i.resource->id, i.label, std::move(claims), play_});
  run_scope_.set_failed(i.resource->id, i.key, i.label, i.label);
  if (options_.fail_fast) stopped_ = true;
}

void Run::skip(Instance& i, const std::string& reason) {
  run_scope_.set_skipped(i.resource->id, i.key, i.label);
  ResourceFinished event;
  event.reason = reason;
  if (selected(*i.resource)) done(i, Outcome::skipped, std::move(event));
}

void Run::skip_after(Instance& i, const std::string& cause) {
  failures_.add({i.label, i.resource->id, cause, i.claims, play_});
  skip(i, cause + " failed");
  run_scope_.set_failed(i.resource->id, i.key, i.label, cause);
}

void Run::not_known(Instance& i, const Unknown& unknown) {
  const Module& module = *i.resource->module;
  run_scope_.set_unknown(i.resource->id, i.key, i.label);
  if (!selected(*i.resource)) return;
  notify(i, false);
  const bool bounded = i.desired.has_value() ? module.bounded(i.desired) : !module.opaque;
  flush();
  if (!module.verification) unknown_.add({i.label, i.resource->id, i.label, i.claims, play_});
  if (!module.verification && !bounded) {
    host_.begin(i.label);
    host_.unforeseen();
  }
  // The user to run as may depend on values that are not filled in yet.
  if (i.identity.user.empty()) {
    const std::string& as = i.resource->as;
    if (i.as.empty() && as.find("{{") == std::string::npos) i.as = as;
    i.may_be_another = i.as.empty();
    i.identity = identities_.decide({Actor::Kind::person, "", ""}, i.as);
  }
  ResourceFinished event;
  event.reason = reason_of(unknown);
  done(i, Outcome::unknown, std::move(event));
}

void Run::done(Instance& i, Outcome outcome, ResourceFinished event) {
  flush();  // events come in the order of the resources
  event.outcome = outcome;
  const bool wanted =
      outcome == options_.acted || outcome == Outcome::unknown || outcome == Outcome::not_converged;
  if (wanted && !i.identity.user.empty()) result_.pending.push_back({i.identity, i.label});
  // Converged after all.
  if ((outcome == Outcome::ok || outcome == options_.acted) && !i.cut_off.empty()) {
    host_.mark_recovered(i.identity, i.cut_off);
    result_.pending.push_back({i.identity, i.label});
  }
  const bool made = outcome == options_.acted && i.resource->module->made(i.desired, event.changes);
  records_.push_back({i.resource, i.key, i.item, i.label, i.identity, outcome, made, i.real});
  note_made(i, outcome);
  finish(i, std::move(event));
}

void Run::finish(Instance& i, ResourceFinished event) {
  event.label = i.label;
  event.id = i.resource->id + (i.key.empty() || i.resource->id.empty() ? "" : "[" + i.key + "]");
  event.type = i.resource->module->type;
  event.host = options_.host;
  event.as = i.may_be_another ? "" : i.identity.user;
  event.seconds = seconds_since(i.started);
  event.note = std::move(i.note);
  ++result_.counts[static_cast<std::size_t>(event.outcome)];
  if (options_.observer) options_.observer->finished(play_, i.label, event.outcome, event.reason);
  sink_(event);
}

}  // namespace mlops
