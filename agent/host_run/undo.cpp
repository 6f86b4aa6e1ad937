#include "host_run/undo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

using namespace attempted;

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
              if (p.doing.empty()) return sink_(TerminalReleased{});
              sink_(ProgressMade{pass_ ? pass_->label() : "", "local", p.doing, p.done, p.total});
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

PassResult UndoRun::simulate() {
  host_.look_back(run_.playbook_key);
  const auto overlay = make_overlay_host(host_, {effective_person().name}, current_person().name);
  PassResult result = pass(*overlay, Outcome::would_change);
  pending_ = result.pending;
  return result;
}

PassResult UndoRun::for_real() {
  // An identity that has yet to be created, or cannot be reached, is asked when its turn comes.
  std::vector<Identity> identities;
  for (const auto& [identity, label] : pending_)
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
  const PassResult result = pass(host_, Outcome::changed);
  Value counts{Value::Object{}};
  for (std::size_t i = 0; i < outcome_count; ++i)
    counts.set(to_text(static_cast<Outcome>(i)), result.counts[i]);
  const bool failed = result.count(Outcome::failed) + result.count(Outcome::not_converged) > 0;
  host_.conclude(result.interrupted ? "interrupted"
                 : failed           ? "failed"
                                    : "done",
                 to_json(counts), gone(), std::nullopt);
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

PassResult UndoRun::pass(Host& host, Outcome acted) {
  StepPass pass(host, cancellation_, sink_, acted);
  pass_ = &pass;
  reverted_.clear();
  for (UndoItem& item : items_.list) {
    if (cancellation_.cancelled()) break;
    if (item.restart && (!pass.has_acted() || !needs_restart(item, pass))) continue;
    pass.attempt({item.step.resource, item.step.type, {item.step.identity}}, [&] { return undo(item, pass); });
  }
  pass_ = nullptr;
  return pass.finish();
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
bool UndoRun::needs_restart(const UndoItem& item, StepPass& pass) try {
  const auto& unit = std::get<ChangeUnit>(item.inverse.actions.front());
  const Unit now = pass.host().as({item.step.identity}).services().unit(unit.unit);
  if (!now.active() || !now.exists() || removes_file_of(unit.unit)) return false;
  if (pass.is_real()) return true;
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
std::vector<std::string> UndoRun::restored() const {
  std::vector<std::string> paths;
  for (const UndoItem& item : items_.list)
    for (const auto& [thing, print] : item.step.after)
      if (thing.starts_with("path ") && contains(reverted_, item.step.resource))
        paths.push_back(thing.substr(5));
  return paths;
}

AttemptResult UndoRun::undo(UndoItem& item, StepPass& pass) {
  const RecordedStep& step = item.step;
  const Identity identity{step.identity};
  if (item.withheld && !pass.is_real() && !settings_.no_sudo) return Unknown{{}, item.unknown};
  if (!item.unknown.empty()) throw Error(item.unknown);
  if (!item.begun) return Skipped{"it was never begun", {}};
  if (item.undone) return already_undone(item, pass);
  pass.host().begin(step.resource);
  Machine& machine = pass.host().as(identity);
  const std::vector<Action> first = item.restart ? std::vector<Action>() : clearing_actions(item, machine);
  if (item.inverse.actions.empty() && first.empty())
    return Skipped{item.inverse.stays.empty() ? "nothing of it is left to undo"
                                              : "it cannot be undone: " + short_list(item.inverse.stays),
                   {}};
  const bool satisfied = !item.restart && is_satisfied(item.inverse.actions, machine);
  if (satisfied && first.empty()) {
    if (!item.recovers.empty()) pass.will_act();
    return already_undone(item, pass);
  }
  require_undoable(item, machine, satisfied);
  pass.will_act();
  return revert(item, pass, first, satisfied);
}

AttemptResult UndoRun::already_undone(const UndoItem& item, StepPass& pass) {
  if (!item.recovers.empty()) pass.host().mark_recovered({item.step.identity}, item.recovers);
  reverted_.push_back(item.step.resource);
  return Ok{};
}

// Error if the right to act is missing, or somebody else has changed it since.
void UndoRun::require_undoable(const UndoItem& item, const Machine& machine, bool satisfied) const {
  const std::string& user = item.step.identity;
  if (settings_.no_sudo && user != records_.self() && records_.self() != "root")
    throw Error(fmt::format("needs to run as {}, and --no-sudo was given", user), ErrorKind::privilege);
  if (settings_.force || satisfied) return;
  if (const auto changed = changed_since(item, machine, records_.own(), run_.number); !changed.empty())
    throw Error(fmt::format("changed since: {}; --force undoes it anyway", short_list(changed)));
}

// first: actions that clear up what an interrupted step left. satisfied: nothing else is to be done.
AttemptResult UndoRun::revert(UndoItem& item, StepPass& pass, const std::vector<Action>& first,
                              bool satisfied) {
  std::vector<Change> changes;
  AttemptResult result = result_of({}, [&]() -> AttemptResult {
    if (!first.empty()) {
      changes = {{.property = "cut off", .after = "recovered", .kind = Change::Kind::event}};
      perform(item, pass, {.changes = changes, .recovery = true}, first);
    }
    if (satisfied)
      pass.host().mark_recovered({item.step.identity}, item.recovers);
    else
      perform_inverse(item, pass, changes);
    if (pass.is_real() && !item.restart &&
        !is_satisfied(item.inverse.actions, pass.host().as({item.step.identity}))) {
      Failed failed{.reason = "after the undo it still differs from its state before the run"};
      failed.outcome = Outcome::not_converged;
      failed.changes = changes;
      return failed;
    }
    reverted_.push_back(item.step.resource);
    return Changed{changes, {}};
  });
  return with_changes(std::move(result), changes);
}

void UndoRun::perform_inverse(UndoItem& item, StepPass& pass, std::vector<Change>& changes) {
  const RecordedStep& step = item.step;
  const Machine& machine = pass.host().as({step.identity});
  const std::vector<Change> reverse = item.restart ? step.changes : turned(step.type, step.changes);
  changes.insert(changes.end(), reverse.begin(), reverse.end());
  const auto paths = pass.is_real() ? std::vector<std::string>() : restored();
  pass.note(narrow_removals(item, paths, machine, changes));
  if (changes.empty()) changes = {{.property = "taken back", .after = true, .kind = Change::Kind::event}};
  StepInfo info{.changes = changes, .recovers = item.recovers};
  if (!item.restart) info.undoes = item.name;
  perform(item, pass, std::move(info), remaining(item.inverse.actions, machine));
}

// As the identity of the step that is undone.
void UndoRun::perform(const UndoItem& item, StepPass& pass, StepInfo info, const std::vector<Action>& actions) {
  for (const auto& [thing, print] : item.step.after)
    if (auto object = parse_object(thing)) info.claims.push_back(*std::move(object));
  pass.perform(std::move(info), actions);
}

}  // namespace mlops
