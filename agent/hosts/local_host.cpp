#include "hosts/local_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/person.hpp"
#include "base/wall_clock.hpp"
#include "machine/overlay.hpp"
#include "state/mark.hpp"
#include "state/state_journals.hpp"

namespace mlops {
namespace {

std::string describe(const InterruptedRun& run) {
  constexpr std::size_t named = 3;
  std::string doing;
  for (std::size_t i = 0; i < std::min(named, run.resources.size()); ++i)
    doing += (i ? ", " : " during ") + run.resources[i];
  if (run.resources.size() > named) doing += fmt::format(" and {} more", run.resources.size() - named);
  if (run.resources.empty()) doing = " between two resources";
  return fmt::format("an earlier run of {} (started {}, {}) was interrupted{}", run.playbook,
                     local_time(run.started), run.id, doing);
}

bool any_failed(const PassResult& result) {
  return result.count(Outcome::failed) + result.count(Outcome::not_converged) > 0;
}

}  // namespace

LocalHost::LocalHost(std::string name, const Playbook& playbook, PartSettings settings,
                     ThisHostSettings::Password password, const Cancellation& cancellation, EventSink sink)
    : playbook_(playbook),
      settings_(std::move(settings)),
      cancellation_(cancellation),
      sink_([this, sink = std::move(sink)](const Event& e) {
        held_.take(e);
        sink(e);
      }),
      person_(current_person()),
      self_{effective_person().name},
      journals_(make_journals(settings_.journal)),
      password_(std::move(password)),
      host_(std::make_unique<ThisHost>(host_settings(password_), cancellation,
                                       [this](const Progress& p) {
                                         if (run_) run_->progress(p);
                                       })),
      facts_(person_) {
  values_.name = std::move(name);
}

LocalHost::~LocalHost() = default;

ThisHostSettings LocalHost::host_settings(ThisHostSettings::Password password) {
  using Sudo = ThisHostSettings::Sudo;
  ThisHostSettings settings{person_, settings_.mirror, Sudo::ask, std::move(password)};
  if (settings_.dry) settings.sudo = Sudo::silent;
  if (settings_.no_sudo) settings.sudo = Sudo::never;
  settings.journals = journals_.get();
  settings.journal = settings_.journal;
  settings.tell = [this](const std::string& text) { tell(text); };
  settings.wait = std::chrono::seconds(settings_.wait_seconds);
  return settings;
}

void LocalHost::tell(const std::string& text) { sink_(NoticeGiven{values_.name, text}); }

void LocalHost::tell_of_interrupted() {
  for (const InterruptedRun& run : host_->earlier().runs) tell(describe(run));
}

void LocalHost::begin(Pass pass, const std::vector<std::size_t>&) {
  if (!host_) throw Error("the run is over: it was pruned");
  pass_ = pass;
  held_ = {};
  if (pass == Pass::simulated) host_->look_back(settings_.run.playbook_key);
  if (pass == Pass::real || settings_.dry) tell_of_interrupted();
  run_.reset();
  identities_.reset();
  overlay_ = pass == Pass::simulated ? make_overlay_host(*host_, self_, person_.name) : nullptr;
  Host& host = overlay_ ? *overlay_ : *host_;
  identities_.emplace(host, person_, self_);
  RunOptions options{Outcome::changed, settings_.only, settings_.tags, settings_.fail_fast};
  options.host = values_.name;
  options.observer = watcher_;
  options.claimed = &held_.claimed();
  if (!settings_.dry) options.agree_to_loss = agree_to_loss_;
  if (watcher_) watcher_->pass_begins(pass == Pass::real);
  options.keep_limit = settings_.journal.keep_limit;
  options.playbook_key = settings_.run.playbook_key;
  options.lists = pass == Pass::real             ? RunOptions::Lists::always
                  : settings_.dry || !is_whole() ? RunOptions::Lists::never
                                                 : RunOptions::Lists::when_new;
  options.known_digest = listed_digest();
  if (pass == Pass::simulated) {
    options.acted = Outcome::would_change;
    options.settle = std::chrono::milliseconds(0);
  }
  run_ = std::make_unique<Run>(playbook_, host, facts_, *identities_, cancellation_, sink_, std::move(options));
}

void LocalHost::play(std::size_t index, const std::vector<HostValues>& others) {
  run_->set_others(others);
  run_->play(index);
  if (!settings_.gives_values) return;
  values_.resources = run_->given();
  if (values_.facts.is_null()) values_.facts = facts_.all();
}

PassResult LocalHost::end() {
  PassResult result = run_->finish();
  run_.reset();
  identities_.reset();
  overlay_.reset();
  if (pass_ == Pass::real) {
    conclude(result);
  } else if (!settings_.dry) {
    // The end of an earlier run, or a dropped notification, has to be recorded even though nothing is to be
    // changed.
    if (!host_->earlier().runs.empty() || !host_->earlier().notifications.empty())
      result.pending.push_back({self_, ""});
    const bool is_new = result.digest != listed_digest();
    if (result.pending.empty() && result.mistakes.empty() && is_whole() && !any_failed(result) && is_new)
      host_->record_found(header(), entries(result), result.digest);
  }
  pending_ = result.pending;
  digest_ = result.digest;
  failed_ = any_failed(result);
  return result;
}

// The whole playbook was inspected.
bool LocalHost::is_whole() const { return settings_.only.empty() && settings_.tags.empty(); }

std::vector<LedgerEntry> LocalHost::entries(PassResult& result) {
  std::vector<LedgerEntry> entries;
  for (MadeResource& made : result.made) {
    LedgerEntry entry{made.label, made.declared, std::string(made.type), made.identity.user, made.came, {}, "",
                      false,      nullptr};
    entry.claims = std::move(made.claims);
    entry.absent = made.removal == Value(false);
    if (made.removal.is_object()) entry.removal = to_json(made.removal);
    entry.machine = &host_->as(made.identity);
    entries.push_back(std::move(entry));
  }
  result.made.clear();
  return entries;
}

std::uint64_t LocalHost::listed_digest() const {
  const auto& listed = host_->earlier().listed;
  return listed ? listed->digest : 0;
}

RunHeader LocalHost::header() const {
  const RunName& name = settings_.run;
  return {.id = name.id,
          .kind = name.kind,
          .playbook = name.playbook,
          .playbook_key = name.playbook_key,
          .former_keys = name.former_keys,
          .starter = "",
          .started = microseconds_now()};
}

void LocalHost::conclude(PassResult& result) {
  Value counts{Value::Object{}};
  for (std::size_t i = 0; i < outcome_count; ++i)
    counts.set(to_text(static_cast<Outcome>(i)), result.counts[i]);
  const char* outcome = result.interrupted ? "interrupted" : any_failed(result) ? "failed" : "done";
  const bool known = is_whole() && !result.interrupted && !any_failed(result);
  host_->conclude(outcome, to_json(counts), entries(result),
                  known && result.digest ? std::optional(result.digest) : std::nullopt);
}

void LocalHost::prepare() {
  if (!host_) throw Error("the run is over: it was pruned");
  if (watcher_) watcher_->about_to_act();
  std::vector<Identity> identities;
  std::string need_others;
  // Pruning comes after applying.
  const std::string untouched =
      fmt::format("nothing was {}{}", settings_.run.kind == "prune" ? "pruned" : "touched",
                  values_.name == "local" ? "" : " there");
  for (const auto& [identity, label] : pending_) {
    if (identity != self_) need_others += fmt::format("\n  {} (as {})", label, identity.user);
    const bool known = std::find(identities.begin(), identities.end(), identity) != identities.end();
    if (!known && host_->as(self_).accounts().user(identity.user)) identities.push_back(identity);
  }
  if (settings_.no_sudo && !need_others.empty())
    throw Error("These run as another user, and --no-sudo was given; " + untouched + ":" + need_others,
                ErrorKind::privilege);
  try {
    host_->prepare(std::move(identities), header());
  } catch (const Error& e) {
    throw Error(std::string(e.what()) + "; " + untouched, e.kind());
  }
}

}  // namespace mlops
