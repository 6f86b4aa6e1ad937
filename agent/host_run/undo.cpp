#include "host_run/undo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/person.hpp"
#include "host_run/is_satisfied.hpp"
#include "host_run/part_done.hpp"
#include "host_run/undo_changes.hpp"
#include "machine/overlay.hpp"
#include "state/capture_before.hpp"
#include "state/leftovers.hpp"
#include "state/run_id.hpp"
#include "state/state_journals.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t named = 3;  // items named in a message

std::int64_t microseconds_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

std::string list_of(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < std::min(named, items.size()); ++i) text += (i ? ", " : "") + items[i];
  if (items.size() > named) text += fmt::format(" and {} more", items.size() - named);
  return text;
}

bool made_it(const std::vector<Change>& changes) {
  return std::any_of(changes.begin(), changes.end(),
                     [](const Change& c) { return c.property == "exists" && c.after == Value(true); });
}

// Units that were running, and were restarted or reloaded.
std::vector<ChangeUnit> restarted(const RecordedStep& step) {
  std::vector<ChangeUnit> units;
  for (std::size_t i = 0; i < step.actions.size(); ++i) {
    const auto* unit = step.actions[i] ? std::get_if<ChangeUnit>(&*step.actions[i]) : nullptr;
    if (!unit || (unit->verb != ChangeUnit::Verb::restart && unit->verb != ChangeUnit::Verb::reload)) continue;
    if (i < step.before.size() && step.before[i].active.value_or(false)) units.push_back(*unit);
  }
  return units;
}

// Package names that were requested explicitly, without versions.
std::vector<std::string> asked_for(const RecordedStep& step) {
  std::vector<std::string> names;
  for (const auto& action : step.actions)
    if (const auto* install = action ? std::get_if<InstallPackages>(&*action) : nullptr)
      for (const std::string& wanted : install->wanted) names.push_back(wanted.substr(0, wanted.find('=')));
  return names;
}

void append(std::vector<std::string>& list, const std::vector<std::string>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool in_doubt(const RecordedStep& step) {
  return step.state == StepState::begun || step.state == StepState::cut_off;
}
bool ended_well(const RecordedStep& step) {
  return step.state == StepState::done || step.state == StepState::healed;
}

// Whether repeating the inverse would fail: an undo that stopped half-way does not repeat it.
bool cannot_be_repeated(const Action& action) {
  return std::visit(overloaded{[](const RenamePath&) { return true; }, [](const CreateGroup&) { return true; },
                               [](const CreateUser&) { return true; }, [](const auto&) { return false; }},
                    action);
}

// A unit that was never created, or is already gone.
bool is_of_no_unit(const Action& action, const Machine& machine) {
  const auto* change = std::get_if<ChangeUnit>(&action);
  if (!change || (change->verb != ChangeUnit::Verb::stop && change->verb != ChangeUnit::Verb::disable))
    return false;
  return !machine.services().unit(change->unit).exists() && is_satisfied(action, machine);
}

// The remaining actions, if an earlier attempt may have done some of them.
std::vector<Action> remaining(std::vector<Action> actions, const Machine& machine) {
  // A folder that is restored in place of something else, which is removed first.
  const auto is_restored_already = [&](std::size_t i) {
    const auto* remove = std::get_if<RemovePath>(&actions[i]);
    const auto status = remove ? machine.files().status(remove->path) : std::nullopt;
    return status && status->type == FileType::directory &&
           std::any_of(actions.begin() + static_cast<std::ptrdiff_t>(i), actions.end(),
                       [&](const Action& later) {
                         const auto* restore = std::get_if<RestorePath>(&later);
                         return restore && restore->saved.path == remove->path &&
                                restore->saved.kind == SavedPath::Kind::folder;
                       });
  };
  std::vector<Action> rest;
  for (std::size_t i = 0; i < actions.size(); ++i)
    if (!(cannot_be_repeated(actions[i]) && is_satisfied(actions[i], machine)) &&
        !is_of_no_unit(actions[i], machine) && !is_restored_already(i))
      rest.push_back(actions[i]);
  return rest;
}

template <class A>
bool any_of_type(const RecordedStep& step) {
  return std::any_of(step.actions.begin(), step.actions.end(),
                     [](const auto& action) { return action && std::holds_alternative<A>(*action); });
}

std::vector<Action> known_actions(const RecordedStep& step) {
  std::vector<Action> actions;
  for (const auto& action : step.actions)
    if (action) actions.push_back(*action);
  return actions;
}

// What apt would remove beyond the given names.
std::vector<std::string> also_removed(const PackageReader& packages, const std::vector<std::string>& names) {
  std::vector<std::string> others;
  for (const PackageChange& change : packages.forecast_removal(names).changes)
    if (change.version_after.empty() && !contains(names, change.name)) others.push_back(change.name);
  return others;
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

void UndoRun::read() {
  if (run_.outcome == "under way") throw UndoRefused(fmt::format("the run {} is still under way", run_.id));
  if (!run_.undone_by.empty())
    throw UndoRefused(fmt::format("the run {} was undone already, by {}", run_.id, run_.undone_by));
  if (!run_.whole)
    throw UndoRefused(fmt::format(
        "what undoing the run {} needs is no longer kept: only the last 20 can be undone", run_.id));
  items_.clear();
  resumes_.clear();
  const Attempts known = attempts();
  const std::vector<RecordedRun> runs = with_resumed();
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) add(*run, known);
  add_restarts();
}

// The run, and if it is an undo itself, the undos that it resumed. The oldest first.
std::vector<RecordedRun> UndoRun::with_resumed() const {
  std::vector<RecordedRun> runs{run_};
  if (run_.undoes.empty()) return runs;
  for (const RecordedRun& one : records_.own().all()) {
    if (one.number >= run_.number || one.undoes != run_.undoes) continue;
    if (one.outcome == "done") break;
    if (one.undone_by.empty()) runs.insert(runs.begin(), one);
  }
  return runs;
}

// The steps of earlier undos of this run, the oldest first.
UndoRun::Attempts UndoRun::attempts() {
  Attempts found;
  std::vector<RecordedRun> undos;
  for (RecordedRun& one : records_.own().all())
    if (one.is_unfinished_undo() && one.undoes == run_.id) undos.insert(undos.begin(), std::move(one));
  for (const RecordedRun& undo : undos) {
    resumes_.push_back(undo.id);
    for (RecordedStep& step : records_.whole(undo, host_).steps)
      if (!step.undoes.run.empty() && !step.recovery)
        found[{step.undoes.run, step.undoes.sequence}].emplace_back(StepName{undo.id, step.sequence},
                                                                    std::move(step));
  }
  return found;
}

// In reverse order.
void UndoRun::add(const RecordedRun& run, const Attempts& attempts) {
  WholeRun whole = records_.whole(run, host_);
  for (auto step = whole.steps.rbegin(); step != whole.steps.rend(); ++step)
    if (!step->recovery) items_.push_back(item_of(run, std::move(*step), whole, attempts));
}

UndoRun::Item UndoRun::item_of(const RecordedRun& run, RecordedStep step, const WholeRun& whole,
                               const Attempts& attempts) const {
  Item item{
      .step = std::move(step), .name = {run.id, 0}, .inverse = {}, .unknown = "", .attempt = {}, .heals = {}};
  item.name.sequence = item.step.sequence;
  if (in_doubt(item.step)) item.heals.push_back(item.name);
  if (const auto known = attempts.find({item.name.run, item.name.sequence}); known != attempts.end())
    for (const auto& [name, attempt] : known->second) {
      // A healed attempt may have been healed by a run that redid what was not undone yet.
      item.undone = item.undone || attempt.state == StepState::done;
      if (in_doubt(attempt)) item.heals.push_back(name);
      if (attempt.state != StepState::done) item.attempt = attempt;
    }
  if (item.step.detailed) {
    const std::vector<Action> actions = known_actions(item.step);
    if (actions.size() != item.step.actions.size())
      item.unknown = "a newer version of this program did it, and this one does not know how to take it back";
    else
      item.inverse = inverse(actions, item.step.before);
    return item;
  }
  const std::string& who = item.step.identity;
  item.withheld = whole.withheld.contains(who);
  if (const auto missing = whole.missing.find(who); missing != whole.missing.end())
    item.unknown = fmt::format("what {} did cannot be read: {}", who, missing->second);
  else if (ended_well(item.step))
    item.unknown = "what it did is not written down where it was done";
  else
    item.begun = false;  // an identity records an action before doing it
  return item;
}

// Adds restarts of units whose restored files they must reload, at the end.
void UndoRun::add_restarts() {
  std::vector<Item> late;
  for (const Item& item : items_)
    for (const ChangeUnit& unit : restarted(item.step)) {
      Item again{item.step, item.name, {{unit}, {}}, "", true};
      again.step.after.clear();
      const bool reload = unit.verb == ChangeUnit::Verb::reload;
      again.step.changes = {
          {.property = reload ? "reloads" : "restarts", .after = true, .kind = Change::Kind::event}};
      late.push_back(std::move(again));
    }
  for (Item& item : late) items_.push_back(std::move(item));
}

std::vector<std::string> UndoRun::stays() const {
  std::vector<std::string> list;
  for (const Item& item : items_)
    for (const std::string& what : item.inverse.stays)
      list.push_back(fmt::format("{} ({})", what, item.step.resource));
  return list;
}

UndoRun::Result UndoRun::in_thought() {
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
  if (std::any_of(items_.begin(), items_.end(), [](const Item& item) { return item.withheld; })) read();
  mend_accounts();
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
  for (const Item& item : items_)
    if (!item.restart && made_it(item.step.changes) && contains(taken_back_, item.step.resource)) {
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
  taken_back_.clear();
  for (Item& item : items_) {
    if (cancellation_.cancelled()) break;
    if (item.restart && (result.count(acted) == 0 || !needs_restart(item, host, acted))) continue;
    one(item, host, acted, result);
  }
  result.interrupted = cancellation_.cancelled();
  return result;
}

bool UndoRun::removes_file_of(const std::string& unit) const {
  return std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
    return std::any_of(item.inverse.actions.begin(), item.inverse.actions.end(), [&](const Action& action) {
      const auto* remove = std::get_if<RemovePath>(&action);
      return remove && remove->path.ends_with("/systemd/system/" + unit);
    });
  });
}

// A unit that is not running, or goes with its package or unit file, needs no restart.
bool UndoRun::needs_restart(const Item& item, Host& host, Outcome acted) try {
  const auto& unit = std::get<ChangeUnit>(item.inverse.actions.front());
  const Unit now = host.as({item.step.identity}).services().unit(unit.unit);
  if (!now.active() || !now.exists() || removes_file_of(unit.unit)) return false;
  if (acted == Outcome::changed) return true;
  const FileReader& files = host_.as({records_.self()}).files();
  for (const Item& other : items_)
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

// A program that changed accounts was killed: restores the files to their state before it, as a run does before
// it acts.
void UndoRun::mend_accounts() {
  const bool any = std::any_of(items_.begin(), items_.end(), [](const Item& item) {
    const auto touches = [](const RecordedStep& step) {
      return in_doubt(step) &&
             (any_of_type<CreateUser>(step) || any_of_type<ChangeUser>(step) || any_of_type<RemoveUser>(step) ||
              any_of_type<CreateGroup>(step) || any_of_type<ChangeGroup>(step) ||
              any_of_type<RemoveGroup>(step) || any_of_type<ChangeMembership>(step));
    };
    return item.step.identity == "root" && (touches(item.step) || (item.attempt && touches(*item.attempt)));
  });
  if (any) host_.as({"root"}).perform({});
}

// Leftovers to clear first: of a step, or an attempt to undo it, that was interrupted. A failed download leaves
// its partial file.
std::vector<Action> UndoRun::recovery(const Item& item, const Machine& machine) const {
  std::vector<Action> actions;
  const auto clear = [&](const RecordedStep& step) {
    if (!in_doubt(step) && step.state != StepState::failed) return;
    for (const std::string& path : leftovers(known_actions(step), step.before))
      if (machine.files().exists(path))
        actions.push_back(RemovePath{.path = path, .recursive = true, .sensitive = true});
    const bool packages =
        in_doubt(step) && (any_of_type<InstallPackages>(step) || any_of_type<RemovePackages>(step));
    if (packages && machine.packages().interrupted()) actions.push_back(RepairPackages{});
  };
  clear(item.step);
  if (item.attempt) clear(*item.attempt);
  return actions;
}

// Differences from the step's result that an earlier attempt to undo it explains: nobody else changed those
// objects.
std::vector<std::string> UndoRun::explained(const Item& item, const Machine& machine) const {
  std::vector<std::string> things;
  if (!item.attempt) return things;
  const RecordedStep& attempt = *item.attempt;
  const bool told = !attempt.after.empty();
  const bool part_done = attempt.detailed && is_part_done(known_actions(attempt), attempt.before, machine);
  for (const auto& [thing, print] : item.step.after) {
    const auto left = attempt.after.find(thing);
    // Of a tree whose removal was interrupted, only the top is reported; what is left of it can be compared.
    const bool on_paths = thing.starts_with("path ") || thing.starts_with("tree ");
    const bool as_left = left != attempt.after.end()
                             ? left->second.empty() || fingerprint_of(thing, machine) == left->second
                             : part_done && (!told || on_paths);
    if (as_left || (part_done && !told)) things.push_back(thing);
  }
  return things;
}

// "/etc/motd was changed since"; "" if nothing was.
std::string UndoRun::changed_since(const Item& item, const Machine& machine) const {
  std::vector<std::string> changed;
  std::optional<std::vector<std::string>> by_us;
  for (const auto& [thing, print] : item.step.after) {
    if (print.empty() || fingerprint_of(thing, machine) == print) continue;
    if (!by_us) by_us = explained(item, machine);
    if (contains(*by_us, thing)) continue;
    const std::string name = thing.starts_with("path ") || thing.starts_with("tree ") ? thing.substr(5) : thing;
    const std::string later = records_.own().last_run_of(thing, run_.number);
    changed.push_back(later.empty() ? name : fmt::format("{} (by the run {})", name, later));
  }
  if (changed.empty()) return "";
  return fmt::format("changed since: {}; --force takes it back all the same", list_of(changed));
}

// Removes only packages that nothing else needs; a requested package must be among them.
void UndoRun::narrow_removals(Item& item, const Machine& machine, Outcome acted,
                              ResourceFinished& event) const {
  const std::vector<std::string> wanted = asked_for(item.step);
  for (Action& action : item.inverse.actions) {
    auto* remove = std::get_if<RemovePackages>(&action);
    if (!remove) continue;
    std::vector<std::string> gone;
    std::erase_if(remove->names, [&](const std::string& name) {
      const auto found = machine.packages().installed(name);
      const bool there =
          found && found->state != PackageState::absent && found->state != PackageState::config_files;
      if (!there) gone.push_back(name);
      return !there;
    });
    if (!remove->names.empty() && !also_removed(machine.packages(), remove->names).empty()) {
      std::vector<std::string> needed;
      for (const std::string& name : remove->names) {
        std::vector<std::string> others = also_removed(machine.packages(), {name});
        std::erase_if(others, [&](const std::string& other) { return contains(remove->names, other); });
        if (others.empty()) continue;
        if (contains(wanted, name))
          throw Error(fmt::format("removing {} would also remove {}, which this run did not install", name,
                                  list_of(others)));
        needed.push_back(name);
      }
      std::erase_if(remove->names, [&](const std::string& name) { return contains(needed, name); });
      if (const auto others = also_removed(machine.packages(), remove->names); !others.empty())
        throw Error(fmt::format("removing {} would also remove {}, which this run did not install",
                                list_of(remove->names), list_of(others)));
      std::erase_if(event.changes, [&](const Change& c) {
        return std::any_of(needed.begin(), needed.end(), [&](const auto& n) { return c.property == "+" + n; });
      });
    }
    std::erase_if(remove->expected, [&](const PackageChange& c) { return !contains(remove->names, c.name); });
    choose_purged(item, *remove, machine, acted, event);
    name_removals(event.changes, *remove, gone, machine.packages());
  }
}

// Configuration files are removed with a package that this run installed, as they did not exist before; but
// never files that a person wrote, nor those that the package's own script would remove, such as its data.
void UndoRun::choose_purged(const Item& item, RemovePackages& remove, const Machine& machine, Outcome acted,
                            ResourceFinished& event) const {
  std::vector<std::string> put_back, stay;  // put_back: restored by then, in a plan
  for (const Item& other : items_)
    for (const auto& [thing, print] : other.step.after)
      if (acted != Outcome::changed && thing.starts_with("path ") && contains(taken_back_, other.step.resource))
        put_back.push_back(thing.substr(5));
  std::vector<std::string> configured;
  for (const Before& before : item.step.before) append(configured, before.configured);
  remove.purged.clear();
  for (const std::string& name : remove.names) {
    PurgeLoss loss = machine.packages().purge_loss(name);
    std::erase_if(loss.changed, [&](const std::string& path) { return contains(put_back, path); });
    if (contains(configured, name))
      continue;
    else if (loss.script)
      stay.push_back(name + ", whose own script may remove data with them");
    else if (!loss.changed.empty())
      stay.push_back(name + ", changed since: " + list_of(loss.changed));
    else
      remove.purged.push_back(name);
  }
  if (!stay.empty()) event.note = "configuration files stay of " + list_of(stay);
}

void UndoRun::one(Item& item, Host& host, Outcome acted, Result& result) {
  const RecordedStep& step = item.step;
  label_ = step.resource;
  sink_(ResourceStarted{step.resource, "local", step.identity});
  ResourceFinished event;
  const auto started = Clock::now();
  const auto end = [&](Outcome outcome, std::string reason = "") {
    event.outcome = outcome;
    event.reason = std::move(reason);
    event.seconds = std::chrono::duration<double>(Clock::now() - started).count();
    tell(item, event, result);
  };
  try {
    const Identity identity{step.identity};
    if (item.withheld && acted != Outcome::changed && !settings_.no_sudo) {
      will_act(identity);
      return end(Outcome::unknown, item.unknown);
    }
    if (!item.unknown.empty()) return end(Outcome::failed, item.unknown);
    if (!item.begun) return end(Outcome::skipped, "it was never begun");
    if (item.undone) {
      if (!item.heals.empty()) host.mark_recovered(identity, item.heals);
      taken_back_.push_back(step.resource);
      return end(Outcome::ok);
    }
    host.begin(step.resource);
    Machine& machine = host.as(identity);
    const std::vector<Action> first = item.restart ? std::vector<Action>() : recovery(item, machine);
    if (item.inverse.actions.empty() && first.empty())
      return end(Outcome::skipped, item.inverse.stays.empty()
                                       ? "nothing of it is left to take back"
                                       : "it cannot be taken back: " + list_of(item.inverse.stays));
    const bool settled = !item.restart && is_satisfied(item.inverse.actions, machine);
    if (settled && first.empty()) {
      if (!item.heals.empty()) {
        will_act(identity);
        host.mark_recovered(identity, item.heals);
      }
      taken_back_.push_back(step.resource);
      return end(Outcome::ok);
    }
    if (settings_.no_sudo && identity.user != records_.self() && records_.self() != "root")
      throw Error(fmt::format("needs the right to act as {}, and --no-sudo was given", identity.user),
                  ErrorKind::privilege);
    if (!settings_.force && !settled)
      if (std::string changed = changed_since(item, machine); !changed.empty())
        return end(Outcome::failed, changed);
    const auto perform = [&](StepInfo purpose, const std::vector<Action>& actions) {
      purpose.sequence = ++sequence_;
      purpose.resource = step.resource;
      purpose.type = step.type;
      for (const auto& [thing, print] : step.after) purpose.claims.push_back(thing);
      const Step doing{std::move(purpose), actions};
      for (const auto& error : host.perform(identity, {&doing, 1}))
        if (error) throw *error;
    };
    will_act(identity);
    if (!first.empty()) {
      event.changes = {{.property = "cut off", .after = "recovered", .kind = Change::Kind::event}};
      perform({.changes = event.changes, .recovery = true}, first);
    }
    if (settled) {
      host.mark_recovered(identity, item.heals);
    } else {
      std::vector<Change> changes = item.restart ? step.changes : turned(step.type, step.changes);
      event.changes.insert(event.changes.end(), changes.begin(), changes.end());
      narrow_removals(item, machine, acted, event);
      if (event.changes.empty())
        event.changes = {{.property = "taken back", .after = true, .kind = Change::Kind::event}};
      StepInfo purpose{.changes = event.changes, .heals = item.heals};
      if (!item.restart) purpose.undoes = item.name;
      perform(std::move(purpose), remaining(item.inverse.actions, machine));
    }
    if (acted == Outcome::changed && !item.restart && !is_satisfied(item.inverse.actions, machine))
      return end(Outcome::not_converged, "after acting it is not as it was before the run");
    taken_back_.push_back(step.resource);
    return end(acted);
  } catch (const Unknown& unknown) {
    will_act({step.identity});
    return end(Outcome::unknown,
               unknown.waits_for.empty() ? unknown.reason : "waits for " + list_of(unknown.waits_for));
  } catch (const Error& e) {
    event.output = e.output();
    return end(Outcome::failed, e.kind() == ErrorKind::cancelled ? "interrupted" : e.what());
  }
}

void UndoRun::will_act(const Identity& identity) {
  if (std::find(pending_.begin(), pending_.end(), identity) == pending_.end()) pending_.push_back(identity);
}

void UndoRun::tell(const Item& item, ResourceFinished event, Result& result) {
  event.label = item.step.resource;
  event.type = item.step.type;
  event.host = "local";
  event.as = item.step.identity;
  ++result.counts[static_cast<std::size_t>(event.outcome)];
  sink_(event);
}

}  // namespace mlops
