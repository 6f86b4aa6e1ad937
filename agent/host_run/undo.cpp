#include "host_run/undo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/contains.hpp"
#include "base/person.hpp"
#include "base/short_list.hpp"
#include "base/wall_clock.hpp"
#include "domains/is_satisfied.hpp"
#include "host_run/undo_changes.hpp"
#include "host_run/undo_packages.hpp"
#include "host_run/undo_traces.hpp"
#include "machine/overlay.hpp"
#include "state/run_id.hpp"
#include "state/state_journals.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

bool made_it(const std::vector<Change>& changes) {
  return std::any_of(changes.begin(), changes.end(),
                     [](const Change& c) { return c.kind == Change::Kind::create; });
}

}  // namespace

UndoRun::UndoRun(UndoSettings settings, const RunRecords& records, const RecordedRun& run,
                 const Cancellation& cancellation, EventSink sink)
    : settings_(std::move(settings)),
      records_(records),
      run_(run),
      cancellation_(cancellation),
      sink_(std::move(sink)),
      person_(current_person()),
      journals_(make_journals({.folder = settings_.state})),
      host_({.person = person_,
             .sudo = settings_.no_sudo ? ThisHostSettings::Sudo::never : ThisHostSettings::Sudo::ask,
             .password = settings_.password,
             .journals = journals_.get(),
             .journal = {.folder = settings_.state},
             .tell =
                 [this](const std::string& text) {
                   sink_(NoticeGiven{"local", text});
                 },
             .wait = std::chrono::seconds(settings_.wait_seconds)},
            cancellation, [this](const Progress& p) {
              sink_(ProgressMade{label_, "local", p.doing, p.done, p.total});
            }) {}

UndoRun::~UndoRun() = default;

void UndoRun::read() { items_ = read_undo_items(run_, records_, host_); }

std::vector<std::string> UndoRun::stays() const {
  std::vector<std::string> list;
  for (const UndoItem& item : items_.list)
    for (const std::string& what : item.inverse.stays)
      list.push_back(fmt::format("{} ({})", what, item.step.resource));
  return list;
}

UndoRun::Result UndoRun::simulate() {
  host_.look_back(run_.playbook_key);
  const auto overlay = make_overlay_host(host_, {effective_person().name}, current_person().name);
  pending_.clear();
  return pass(*overlay, Outcome::would_change);
}

UndoRun::Result UndoRun::for_real() {
  // An identity that has yet to be created, or cannot be reached, is asked when its turn comes.
  std::vector<Identity> identities;
  for (const Identity& identity : pending_)
    if (identity.user == "root" || identity.user == records_.self()) identities.push_back(identity);
  host_.prepare(identities, {.id = new_run_id(""),
                             .kind = "undo",
                             .playbook = run_.playbook,
                             .playbook_key = run_.playbook_key,
                             .undoes = run_.id,
                             .started = microseconds_now()});
  if (std::any_of(items_.list.begin(), items_.list.end(), [](const UndoItem& item) { return item.withheld; }))
    read();
  // A program that changed accounts was killed: restores the files to their state before it, as a run does
  // before it acts.
  if (std::any_of(items_.list.begin(), items_.list.end(), [](const UndoItem& item) {
        return item.step.identity == "root" && leaves_accounts_in_doubt(item);
      }))
    host_.as({"root"}).perform({});
  const Result result = pass(host_, Outcome::changed);
  Value counts{Value::Object{}};
  for (std::size_t i = 0; i < outcome_count; ++i)
    counts.set(to_text(static_cast<Outcome>(i)), result.counts[i]);
  const bool failed = result.count(Outcome::failed) + result.count(Outcome::not_converged) > 0;
  host_.conclude(result.interrupted ? "interrupted" : failed ? "failed" : "done", to_json(counts), gone(), "");
  return result;
}

// The undone resources no longer belong to the playbook.
std::vector<LedgerEntry> UndoRun::gone() const {
  std::vector<LedgerEntry> entries;
  for (const UndoItem& item : items_.list)
    if (!item.restart && made_it(item.step.changes) && contains(reverted_, item.step.resource)) {
      LedgerEntry entry;
      entry.resource = entry.declared = item.step.resource;
      entry.type = item.step.type;
      entry.identity = item.step.identity;
      entry.absent = true;
      entries.push_back(std::move(entry));
    }
  return entries;
}

UndoRun::Result UndoRun::pass(Host& host, Outcome acted) {
  Result result;
  reverted_.clear();
  for (UndoItem& item : items_.list) {
    if (cancellation_.cancelled()) break;
    if (item.restart && (result.count(acted) == 0 || !needs_restart(item, host, acted))) continue;
    one(item, host, acted, result);
  }
  result.interrupted = cancellation_.cancelled();
  return result;
}

bool UndoRun::removes_file_of(const std::string& unit) const {
  return std::any_of(items_.list.begin(), items_.list.end(), [&](const UndoItem& item) {
    return std::any_of(item.inverse.actions.begin(), item.inverse.actions.end(), [&](const Action& action) {
      const auto* remove = std::get_if<RemovePath>(&action);
      return remove && remove->path.ends_with("/systemd/system/" + unit);
    });
  });
}

// A unit that is not running, or goes with its package or unit file, needs no restart.
bool UndoRun::needs_restart(const UndoItem& item, Host& host, Outcome acted) try {
  const auto& unit = std::get<ChangeUnit>(item.inverse.actions.front());
  const Unit now = host.as({item.step.identity}).services().unit(unit.unit);
  if (!now.active() || !now.exists() || removes_file_of(unit.unit)) return false;
  if (acted == Outcome::changed) return true;
  const FileReader& files = host_.as({records_.self()}).files();
  for (const UndoItem& other : items_.list)
    for (const Action& action : other.inverse.actions)
      if (const auto* remove = std::get_if<RemovePackages>(&action))
        for (const std::string& package : remove->names)
          if (const auto list = files.read(fmt::format("/var/lib/dpkg/info/{}.list", package));
              list && list->find("/systemd/system/" + unit.unit + "\n") != std::string::npos)
            return false;
  return true;
} catch (const Error&) {
  return true;  // it is reported when its turn comes
} catch (const Unknown&) {
  return true;
}

// Paths that items before this one have restored; in a plan they are not on the machine yet.
std::vector<std::string> UndoRun::restored(Outcome acted) const {
  std::vector<std::string> paths;
  if (acted == Outcome::changed) return paths;
  for (const UndoItem& item : items_.list)
    for (const auto& [thing, print] : item.step.after)
      if (thing.starts_with("path ") && contains(reverted_, item.step.resource))
        paths.push_back(thing.substr(5));
  return paths;
}

void UndoRun::one(UndoItem& item, Host& host, Outcome acted, Result& result) {
  label_ = item.step.resource;
  sink_(ResourceStarted{label_, "local", item.step.identity});
  ResourceFinished event{.label = label_, .type = item.step.type, .host = "local", .as = item.step.identity};
  const auto started = Clock::now();
  Ended ended;
  try {
    ended = undo(item, host, acted, event);
  } catch (const Unknown& unknown) {
    will_act({item.step.identity});
    ended = {Outcome::unknown,
             unknown.waits_for.empty() ? unknown.reason : "waits for " + short_list(unknown.waits_for)};
  } catch (const Error& e) {
    event.output = e.output();
    ended = {Outcome::failed, e.kind() == ErrorKind::cancelled ? "interrupted" : e.what()};
  }
  event.outcome = ended.outcome;
  event.reason = std::move(ended.reason);
  event.seconds = std::chrono::duration<double>(Clock::now() - started).count();
  ++result.counts[static_cast<std::size_t>(event.outcome)];
  sink_(event);
}

UndoRun::Ended UndoRun::undo(UndoItem& item, Host& host, Outcome acted, ResourceFinished& event) {
  const RecordedStep& step = item.step;
  const Identity identity{step.identity};
  if (item.withheld && acted != Outcome::changed && !settings_.no_sudo) {
    will_act(identity);
    return {Outcome::unknown, item.unknown};
  }
  if (!item.unknown.empty()) return {Outcome::failed, item.unknown};
  if (!item.begun) return {Outcome::skipped, "it was never begun"};
  if (item.undone) {
    if (!item.recovers.empty()) host.mark_recovered(identity, item.recovers);
    reverted_.push_back(step.resource);
    return {Outcome::ok, ""};
  }
  host.begin(step.resource);
  Machine& machine = host.as(identity);
  const std::vector<Action> first = item.restart ? std::vector<Action>() : clearing_actions(item, machine);
  if (item.inverse.actions.empty() && first.empty())
    return {Outcome::skipped, item.inverse.stays.empty()
                                  ? "nothing of it is left to undo"
                                  : "it cannot be undone: " + short_list(item.inverse.stays)};
  const bool settled = !item.restart && is_satisfied(item.inverse.actions, machine);
  if (settled && first.empty()) {
    if (!item.recovers.empty()) {
      will_act(identity);
      host.mark_recovered(identity, item.recovers);
    }
    reverted_.push_back(step.resource);
    return {Outcome::ok, ""};
  }
  if (settings_.no_sudo && identity.user != records_.self() && records_.self() != "root")
    throw Error(fmt::format("needs to run as {}, and --no-sudo was given", identity.user),
                ErrorKind::privilege);
  if (!settings_.force && !settled)
    if (const auto changed = changed_since(item, machine, records_.own(), run_.number); !changed.empty())
      return {Outcome::failed, fmt::format("changed since: {}; --force undoes it anyway", short_list(changed))};
  will_act(identity);
  if (!first.empty()) {
    event.changes = {{.property = "cut off", .after = "recovered", .kind = Change::Kind::event}};
    perform(step, host, {.changes = event.changes, .recovery = true}, first);
  }
  if (settled)
    host.mark_recovered(identity, item.recovers);
  else
    perform_inverse(item, host, acted, event);
  if (acted == Outcome::changed && !item.restart && !is_satisfied(item.inverse.actions, machine))
    return {Outcome::not_converged, "after the undo it still differs from its state before the run"};
  reverted_.push_back(step.resource);
  return {acted, ""};
}

void UndoRun::perform_inverse(UndoItem& item, Host& host, Outcome acted, ResourceFinished& event) {
  const RecordedStep& step = item.step;
  const Machine& machine = host.as({step.identity});
  const std::vector<Change> changes = item.restart ? step.changes : turned(step.type, step.changes);
  event.changes.insert(event.changes.end(), changes.begin(), changes.end());
  narrow_removals(item, restored(acted), machine, event);
  if (event.changes.empty())
    event.changes = {{.property = "taken back", .after = true, .kind = Change::Kind::event}};
  StepInfo purpose{.changes = event.changes, .recovers = item.recovers};
  if (!item.restart) purpose.undoes = item.name;
  perform(step, host, std::move(purpose), remaining(item.inverse.actions, machine));
}

// As the identity of the step that is undone.
void UndoRun::perform(const RecordedStep& step, Host& host, StepInfo purpose,
                      const std::vector<Action>& actions) {
  purpose.sequence = ++sequence_;
  purpose.resource = step.resource;
  purpose.type = step.type;
  for (const auto& [thing, print] : step.after)
    if (auto object = parse_object(thing)) purpose.claims.push_back(*std::move(object));
  const Step doing{std::move(purpose), actions};
  for (const auto& error : host.perform({step.identity}, {&doing, 1}))
    if (error) throw *error;
}

void UndoRun::will_act(const Identity& identity) {
  if (std::find(pending_.begin(), pending_.end(), identity) == pending_.end()) pending_.push_back(identity);
}

}  // namespace mlops
