#include "engine/run.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "playbook/condition.hpp"
#include "playbook/variables.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t queue_limit = 256;  // writes that share their syncs; design.md, "Speed is a feature"
constexpr std::chrono::milliseconds settle_interval{100};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string reason_of(const Unknown& unknown) {
  if (unknown.waits_for.empty()) return unknown.reason;
  constexpr std::size_t named = 3;
  std::string text = "waits for ";
  for (std::size_t i = 0; i < std::min(named, unknown.waits_for.size()); ++i)
    text += (i ? ", " : "") + unknown.waits_for[i];
  if (unknown.waits_for.size() > named) text += fmt::format(" and {} more", unknown.waits_for.size() - named);
  return text;
}

std::string short_text(const Value& value) {
  constexpr std::size_t limit = 60;
  std::string text = value.is_null() ? "absent" : value.to_text();
  if (text.size() > limit) text = text.substr(0, limit) + "…";
  return text;
}

// "mode 0644 -> 0600", for what should be gone and is not.
std::string describe(const Diff& diff) {
  std::string text;
  for (const Change& change : diff.changes) {
    if (change.kind != Change::Kind::state) continue;
    if (!text.empty()) text += ", ";
    text += change.property;
    if (!change.sensitive) text += fmt::format(" is {}, wanted {}", short_text(change.before), short_text(change.after));
  }
  return text;
}

bool has_state_changes(const Diff& diff) {
  return std::any_of(diff.changes.begin(), diff.changes.end(),
                     [](const Change& c) { return c.kind == Change::Kind::state; });
}

bool may_change_anything(const Diff& diff) {
  return std::any_of(diff.actions.begin(), diff.actions.end(), [](const Action& a) {
    const auto* run = std::get_if<RunCommand>(&a);
    return run && !run->bounded;
  });
}

}  // namespace

// A resource with everything filled in.
struct Run::Instance {
  const Resource* resource = nullptr;
  std::string key;
  std::optional<Value> item;
  std::string label, as;
  std::any desired;
  Claims claims;
  Actor actor;
  Identity identity;
  Clock::time_point started = Clock::now();
  std::optional<Notification> notified;
};

// What is kept of an instance that was handled, to look at it again.
struct Run::Record {
  const Resource* resource;
  std::string key;
  std::optional<Value> item;
  std::string label;
  Identity identity;
  Outcome outcome;
};

// A write that waits for its neighbours, or an event that waits for the writes before it.
struct Run::Queued {
  Instance instance;
  Diff diff;  // without actions: it is ok
  std::vector<std::string> maybe;
};

Run::Run(const Playbook& playbook, Host& host, const Facts& facts, IdentityRules& identities,
         const Cancellation& cancellation, EventSink sink, RunOptions options)
    : playbook_(playbook),
      host_(host),
      identities_(identities),
      cancellation_(cancellation),
      sink_(std::move(sink)),
      options_(std::move(options)),
      run_scope_(facts),
      scope_(std::make_unique<Variables>(playbook.vars, &run_scope_)) {
  // What holds no {{ }} and no condition was compared when the playbook was loaded.
  for (const Play& play : playbook.plays)
    for (const Resource& resource : play.resources)
      holds_claims_ = holds_claims_ || resource.needs_filling || !resource.for_each.is_null() ||
                      !resource.when.is_null() || !play.when.is_null();
}

Run::~Run() = default;

void Run::progress(const Progress& p) const { sink_(ProgressMade{label_, p.doing, p.done, p.total}); }

PassResult Run::go() {
  for (const Play& one : playbook_.plays) {
    play(one);
    ++play_;
  }
  if (holds_claims_) check_claims(holders_, result_.mistakes);
  result_.interrupted = cancellation_.cancelled();
  const bool whole = result_.count(Outcome::failed) + result_.count(Outcome::not_converged) == 0;
  if (whole && !result_.interrupted) {
    for (const Value& line : playbook_.show) try {
        result_.show.push_back(interpolate(line, *scope_).to_text());
      } catch (const Unknown&) {
      } catch (const SkippedReference&) {
      } catch (const InterpolationError& e) {
        result_.mistakes.add(e.diagnostic);
      }
  }
  return std::move(result_);
}

void Run::play(const Play& play) {
  std::string skipped;
  if (!play.when.is_null()) try {
      const Verdict verdict = evaluate(play.when, *scope_);
      if (!verdict.matches) skipped = verdict.reason;
    } catch (const InterpolationError& e) {
      result_.mistakes.add(e.diagnostic);
      skipped = e.diagnostic.message;
    } catch (const SkippedReference& e) {
      skipped = e.label + " was skipped";
    }
  sink_(PlayStarted{play.name, "local", skipped});
  if (!skipped.empty()) return skip_play(play, skipped);
  const std::size_t first = records_.size();
  for (const Resource& one : play.resources) {
    if (stopped_ || cancellation_.cancelled()) break;
    resource(one);
  }
  flush();
  if (!cancellation_.cancelled()) look_again(first);
}

void Run::skip_play(const Play& play, const std::string& reason) {
  for (const Resource& one : play.resources) {
    Instance skipped;
    skipped.resource = &one;
    skipped.label = label_of(one, one.parameters);
    ResourceFinished event;
    event.outcome = Outcome::skipped;
    event.reason = reason;
    run_scope_.set_skipped(one.id, "", skipped.label);
    finish(skipped, std::move(event));
  }
}

bool Run::selected(const Resource& r) const {
  if (options_.only.empty() && options_.tags.empty()) return true;
  const auto has = [](const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  if (has(options_.only, r.id)) return true;
  return std::any_of(r.tags.begin(), r.tags.end(), [&](const std::string& tag) { return has(options_.tags, tag); });
}

void Run::resource(const Resource& r) {
  if (!joins_queue(r)) flush();
  if (r.for_each.is_null()) {
    instance(r, "", nullptr);
  } else {
    Instance whole;
    whole.resource = &r;
    whole.label = label_of(r, r.parameters);
    try {
      Diagnostics mistakes;
      const Value over = interpolate(r.for_each, *scope_);
      const auto items = expand_for_each(over, mistakes);
      if (!mistakes.empty()) throw InterpolationError{mistakes.list().front()};
      for (const auto& [key, item] : items) {
        if (stopped_ || cancellation_.cancelled()) break;
        instance(r, key, &item);
      }
    } catch (const Unknown& u) {
      ResourceFinished event;
      event.reason = reason_of(u);
      run_scope_.set_unknown(r.id, "", whole.label);
      done(whole, Outcome::unknown, std::move(event));
    } catch (const SkippedReference& s) {
      ResourceFinished event;
      event.reason = s.label + " was skipped";
      run_scope_.set_skipped(r.id, "", whole.label);
      done(whole, Outcome::skipped, std::move(event));
    } catch (const InterpolationError& e) {
      result_.mistakes.add(e.diagnostic);
      fail(whole, Error(e.diagnostic.message));
    }
  }
  // A failure keeps the notification pending.
  if (!r.id.empty() && !failures_.has_id(r.id)) notified_.erase(r.id);
}

Run::Instance Run::fill(const Resource& r, const std::string& key, const Value* item) {
  Instance i;
  i.resource = &r;
  i.key = key;
  if (item) i.item = *item;
  run_scope_.set_item(item);
  std::optional<Value> filled;
  if (r.needs_filling) filled = interpolate(r.parameters, *scope_);
  const Value& parameters = filled ? *filled : r.parameters;
  i.label = label_of(r, parameters, key);
  Diagnostics mistakes;
  Decoder decoder{mistakes, identities_.person().home, r.where, true};
  i.desired = r.module->decode(parameters, decoder, {});
  if (!mistakes.empty()) throw InterpolationError{mistakes.list().front()};
  if (!r.as.empty()) {
    Value as(r.as);
    as.where = r.as_where;
    i.as = interpolate(as, *scope_).to_text();
  }
  i.claims = r.module->claims(i.desired);
  i.actor = r.module->actor(i.desired);
  if (holds_claims_) {
    const Value* kept = filled ? &filled_.emplace_back(std::move(*filled)) : &r.parameters;
    holders_.push_back({i.label, r.where, i.claims, kept});
  }
  return i;
}

void Run::instance(const Resource& r, const std::string& key, const Value* item) {
  Instance i;
  i.resource = &r;
  i.key = key;
  i.label = label_of(r, r.parameters, key);
  label_ = i.label;
  run_scope_.set_item(item);
  ResourceFinished event;
  try {
    if (!r.when.is_null()) {
      const Verdict verdict = evaluate(r.when, *scope_);
      if (!verdict.matches) {
        event.reason = verdict.reason;
        run_scope_.set_skipped(r.id, key, i.label);
        return done(i, Outcome::skipped, std::move(event));
      }
    }
    i = fill(r, key, item);
    label_ = i.label;
    if (const auto known = notified_.find(r.id); known != notified_.end() && !r.id.empty()) i.notified = known->second;
    if (!failures_.empty())
      if (const auto cause = failures_.cause(with_implied(i.claims, i.as), r.after, r.module->opaque, play_)) {
        event.reason = *cause + " failed";
        failures_.add({i.label, r.id, *cause, i.claims, play_});
        run_scope_.set_skipped(r.id, key, i.label);
        return done(i, Outcome::skipped, std::move(event));
      }
    i.identity = identities_.decide(i.actor, i.as);
    if (!selected(r)) return read_only(i);
    look(std::move(i));
  } catch (const SkippedReference& skipped) {
    if (const auto cause = failures_.cause_of(skipped.label)) {
      event.reason = *cause + " failed";
      failures_.add({i.label, r.id, *cause, i.claims, play_});
    } else {
      event.reason = "it refers to " + skipped.label + ", which was skipped";
    }
    run_scope_.set_skipped(r.id, key, i.label);
    done(i, Outcome::skipped, std::move(event));
  } catch (const Unknown& unknown) {
    event.reason = reason_of(unknown);
    run_scope_.set_unknown(r.id, key, i.label);
    notify(i, false);
    if (i.identity.user.empty() && !r.module->verification) i.identity = identities_.decide({Actor::Kind::person, "", ""}, i.as);
    done(i, Outcome::unknown, std::move(event));
  } catch (const InterpolationError& e) {
    result_.mistakes.add(e.diagnostic);
    fail(i, Error(e.diagnostic.message));
  } catch (const Error& e) {
    fail(i, e);
  }
}

// Only for its outputs: nothing is changed and nothing is told.
void Run::read_only(Instance& i) {
  const Module& module = *i.resource->module;
  if (module.verification) return;
  try {
    const std::any current = module.inspect(i.desired, host_.as(i.identity));
    run_scope_.set_outputs(i.resource->id, i.key, i.label, module.outputs(i.desired, current));
  } catch (const Error&) {
    run_scope_.set_skipped(i.resource->id, i.key, i.label);
  } catch (const Unknown&) {
    run_scope_.set_unknown(i.resource->id, i.key, i.label);
  }
}

void Run::look(Instance i) {
  const Resource& r = *i.resource;
  const Module& module = *r.module;
  host_.begin(i.label);
  sink_(ResourceStarted{i.label, "local", i.identity.user});
  Diff diff;
  try {
    const std::any current = module.inspect(i.desired, host_.as(i.identity));
    diff = module.diff(i.desired, current, i.notified.has_value());
    if (diff.empty()) {
      const Environment environment = module.environment(i.desired);
      if (!environment.path.empty()) host_.add_to_path(environment.path);
      if (!r.id.empty()) run_scope_.set_outputs(r.id, i.key, i.label, module.outputs(i.desired, current));
      if (!queue_.empty()) return queue({std::move(i), {}, {}});
      return done(i, Outcome::ok, {});
    }
  } catch (const Unknown& unknown) {
    flush();
    ResourceFinished event;
    event.reason = reason_of(unknown);
    run_scope_.set_unknown(r.id, i.key, i.label);
    notify(i, false);
    return done(i, Outcome::unknown, std::move(event));
  } catch (const Error& e) {
    flush();
    return fail(i, e);
  }
  i.identity = identities_.decide_to_change(i.actor, i.as, i.identity);
  if (joins_queue(r) && diff.actions.size() == 1 && std::holds_alternative<WriteFile>(diff.actions[0]))
    return queue({std::move(i), std::move(diff), host_.doubts()});
  std::vector<std::string> maybe = host_.doubts();
  if (i.notified && !i.notified->certain && !has_state_changes(diff))
    for (const std::string& label : i.notified->maybe) maybe.push_back(label);
  flush();
  act(i, diff, std::move(maybe));
}

void Run::act(Instance& i, const Diff& diff, std::vector<std::string> maybe) {
  label_ = i.label;
  const Resource& r = *i.resource;
  try {
    host_.begin(i.label);
    host_.as(i.identity).perform(diff.actions);
    identities_.forget();
    const Environment environment = r.module->environment(i.desired);
    if (!environment.path.empty()) host_.add_to_path(environment.path);
    written_.add(records_.size(), i.label, i.claims, may_change_anything(diff));
    ResourceFinished event;
    event.changes = diff.changes;
    event.maybe = std::move(maybe);
    if (const auto remains = prove(i)) {
      event.reason = *remains;
      failures_.add({i.label, r.id, i.label, i.claims, play_});
      run_scope_.set_skipped(r.id, i.key, i.label);
      return done(i, Outcome::not_converged, std::move(event));
    }
    notify(i, event.maybe.empty());
    done(i, options_.acted, std::move(event));
  } catch (const Error& e) {
    identities_.forget();
    // What came before the failure may have been done.
    written_.add(records_.size(), i.label, i.claims, may_change_anything(diff));
    fail(i, e, diff.changes);
  }
}

// Inspects again after acting. What still differs, as a reason; absent when it is as wanted. Sets the outputs.
std::optional<std::string> Run::prove(const Instance& i) {
  const Resource& r = *i.resource;
  const auto deadline = Clock::now() + options_.settle;
  for (;;) {
    host_.begin(i.label);
    try {
      const std::any current = r.module->inspect(i.desired, host_.as(i.identity));
      const Diff rest = r.module->diff(i.desired, current, false);
      if (!has_state_changes(rest)) {
        if (!r.id.empty()) run_scope_.set_outputs(r.id, i.key, i.label, r.module->outputs(i.desired, current));
        return std::nullopt;
      }
      if (!r.module->settles || Clock::now() >= deadline)
        return "after acting, " + describe(rest);
    } catch (const Unknown&) {
      run_scope_.set_unknown(r.id, i.key, i.label);
      return std::nullopt;
    }
    pollfd wait{cancellation_.fd(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(settle_interval.count()));
    cancellation_.check();
  }
}

// ---- neighbouring writes, done together --------------------------------------------------------------------------

// Plain values of a type that has a write waiting already, or that may be the first to wait.
bool Run::joins_queue(const Resource& r) const {
  if (r.needs_filling || !r.when.is_null() || !r.notify.empty() || r.module->opaque || r.module->notifiable)
    return false;
  return queue_.empty() || queue_.front().instance.resource->module == r.module;
}

void Run::queue(Queued entry) {
  Instance& i = entry.instance;
  const auto same_thing = [&](const Queued& other) {
    return std::any_of(i.claims.begin(), i.claims.end(), [&](const Claim& mine) {
      return std::any_of(other.instance.claims.begin(), other.instance.claims.end(),
                         [&](const Claim& theirs) { return mine.kind == theirs.kind && mine.key == theirs.key; });
    });
  };
  const bool clash = !queue_.empty() && (queue_.front().instance.identity != i.identity ||
                                         std::any_of(queue_.begin(), queue_.end(), same_thing));
  if (clash) {
    flush();
    return look(std::move(i));
  }
  queue_.push_back(std::move(entry));
  if (queue_.size() >= queue_limit) flush();
}

void Run::flush() {
  if (queue_.empty()) return;
  std::vector<Queued> queued;
  queued.swap(queue_);
  std::vector<std::span<const Action>> lists;
  for (const Queued& q : queued)
    if (!q.diff.actions.empty()) lists.emplace_back(q.diff.actions);
  std::vector<std::optional<Error>> errors;
  try {
    label_ = queued.front().instance.label;
    host_.begin(label_);
    errors = host_.as(queued.front().instance.identity).perform_together(lists);
  } catch (const Error& e) {
    errors.assign(lists.size(), e);
  }
  std::size_t at = 0;
  for (Queued& q : queued) {
    Instance& i = q.instance;
    if (q.diff.actions.empty()) {
      done(i, Outcome::ok, {});
      continue;
    }
    const auto& error = errors[at++];
    if (error) {
      fail(i, *error, q.diff.changes);
      continue;
    }
    try {
      const auto remains = prove(i);
      written_.add(records_.size(), i.label, i.claims, false);
      ResourceFinished event;
      event.changes = std::move(q.diff.changes);
      event.maybe = std::move(q.maybe);
      if (remains) {
        event.reason = *remains;
        failures_.add({i.label, i.resource->id, i.label, i.claims, play_});
      }
      done(i, remains ? Outcome::not_converged : options_.acted, std::move(event));
    } catch (const Error& e) {
      fail(i, e, q.diff.changes);
    }
  }
}

// ---- what came of it ---------------------------------------------------------------------------------------------

void Run::notify(const Instance& i, bool certain) {
  for (const std::string& id : i.resource->notify) {
    Notification& pending = notified_[id];
    pending.certain = pending.certain || certain;
    if (!certain) pending.maybe.push_back(i.label);
  }
}

void Run::fail(Instance& i, const Error& error, std::vector<Change> changes) {
  ResourceFinished event;
  event.changes = std::move(changes);
  event.reason = error.what();
  event.output = error.output();
  if (error.kind() == ErrorKind::cancelled) event.reason = "interrupted";
  failures_.add({i.label, i.resource->id, i.label, i.claims, play_});
  run_scope_.set_skipped(i.resource->id, i.key, i.label);
  done(i, Outcome::failed, std::move(event));
  if (options_.fail_fast) stopped_ = true;
}

void Run::done(Instance& i, Outcome outcome, ResourceFinished event) {
  event.outcome = outcome;
  if ((outcome == options_.acted || outcome == Outcome::unknown) && !i.identity.user.empty() &&
      !i.resource->module->verification)
    result_.pending.push_back({i.identity, i.label});
  records_.push_back({i.resource, i.key, i.item, i.label, i.identity, outcome});
  finish(i, std::move(event));
}

void Run::finish(Instance& i, ResourceFinished event) {
  event.label = i.label;
  event.id = i.resource->id + (i.key.empty() || i.resource->id.empty() ? "" : "[" + i.key + "]");
  event.type = i.resource->module->type;
  event.host = "local";
  event.as = i.identity.user;
  event.seconds = seconds_since(i.started);
  ++result_.counts[static_cast<std::size_t>(event.outcome)];
  sink_(event);
}

// ---- the end of a play: what a later resource or a command touched is looked at again ----------------------------

void Run::look_again(std::size_t first) {
  const bool holds_claims = std::exchange(holds_claims_, false);  // these are held already
  for (std::size_t place = first; place < records_.size(); ++place) {
    if (written_.settled_since(place)) break;
    const Record record = records_[place];
    if (record.outcome != Outcome::ok && record.outcome != options_.acted) continue;
    if (record.resource->module->verification) continue;
    try {
      const Instance i = fill(*record.resource, record.key, record.item ? &*record.item : nullptr);
      const auto writer = written_.later_writer(place, i.claims);
      if (!writer) continue;
      host_.begin(record.label);
      const std::any current = i.resource->module->inspect(i.desired, host_.as(record.identity));
      const Diff rest = i.resource->module->diff(i.desired, current, false);
      if (has_state_changes(rest))
        drifted(records_[place], "it no longer is as wanted after " + *writer + ": " + describe(rest));
    } catch (const Unknown&) {
      // In thought only: a program will run that nobody can foresee.
    } catch (const Error& e) {
      drifted(records_[place], std::string("it could not be looked at again: ") + e.what());
    } catch (const SkippedReference&) {
    } catch (const InterpolationError&) {
    }
  }
  holds_claims_ = holds_claims;
}

void Run::drifted(Record& record, const std::string& reason) {
  --result_.counts[static_cast<std::size_t>(record.outcome)];
  record.outcome = Outcome::not_converged;
  Instance i;
  i.resource = record.resource;
  i.key = record.key;
  i.label = record.label;
  i.identity = record.identity;
  ResourceFinished event;
  event.outcome = Outcome::not_converged;
  event.reason = reason;
  finish(i, std::move(event));
}

}  // namespace mlops
