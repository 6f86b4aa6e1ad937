// The life of a run's journal, from open to conclude: one state machine, so its parts stay together. The ledger
// is in journal_ledger.cpp.
#include "state/journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "base/url_password.hpp"
#include "base/wall_clock.hpp"
#include "state/earlier_runs.hpp"
#include "state/journal_json.hpp"
#include "state/json_value.hpp"
#include "state/kept_claims.hpp"
#include "state/ledger.hpp"
#include "state/process_mark.hpp"
#include "state/state_folder.hpp"
#include "state/step_state.hpp"

namespace mlops {
namespace {

using Cause = DatabaseError::Cause;

constexpr std::int64_t whole_runs = 20;  // the number of recent runs whose undo data is kept

// A failed one has done nothing.
bool is_whole_or_not(const Action& action) { return traits_of(action).on_failure == OnFailure::nothing_done; }

bool runs_program(const Action& action) { return traits_of(action).runs == Runs::a_program; }

bool any_program(std::span<const Action> actions) {
  return std::any_of(actions.begin(), actions.end(), runs_program);
}

std::string left_by(std::span<const Action> actions, const std::vector<Before>& before,
                    const MachineReader& machine, std::vector<std::pair<std::string, std::string>>& things) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < actions.size(); ++i) names.merge(things_of(actions[i], before[i]));
  Value after{Value::Object{}};
  for (const std::string& name : names) {
    std::string print = fingerprint_of(name, machine);
    after.set(name, kept_text(print));
    things.emplace_back(name, std::move(print));
  }
  return to_json(after);
}

}  // namespace

StateJournal::StateJournal(JournalSettings settings, const MachineReader& machine)
    : settings_(std::move(settings)),
      machine_(machine),
      capture_(machine, settings_.strict, settings_.person, settings_.limits, settings_.dpkg_folder) {}

// What ended well is recorded before this process ends; without conclude the run counts as interrupted all the
// same.
StateJournal::~StateJournal() {
  if (!database_ || later_.empty()) return;
  try {
    durably(List::nothing, [] {});
  } catch (const Error&) {
    // Its result is not trusted then, and the next run inspects it again.
  }
}

void StateJournal::tell(const std::string& text) const {
  if (settings_.notice) settings_.notice(text);
}

PriorRunState StateJournal::open(const RunHeader& run) {
  run_ = run;
  folder_ = prepare_state_folder(settings_.folder);
  marked_ = read_mark(folder_, mark_) == MarkState::settled;
  const auto look = [this] {
    open_sound();
    adopt_former_keys();
    return earlier_runs(*database_, run_.playbook_key);
  };
  PriorRunState earlier;
  try {
    try {
      earlier = look();
    } catch (const DatabaseError& e) {
      found_damaged(e);
      earlier = look();
    }
  } catch (const DatabaseError& e) {
    throw cannot_write(e);
  }
  // This very run, if another process of it works with the same database.
  std::erase_if(earlier.runs, [&](const InterruptedRun& one) { return one.id == run_.id; });
  std::erase_if(earlier.steps, [&](const InterruptedStep& one) { return one.name.run == run_.id; });
  unfinished_ = !earlier.runs.empty();
  const auto known = mark_.playbooks.find(run_.playbook_key);
  if (known != mark_.playbooks.end()) earlier.listed = known->second;
  return earlier;
}

// Moves the playbook's records from its former keys to its current one.
void StateJournal::adopt_former_keys() {
  Statement& known = database_->statement(
      "SELECT EXISTS (SELECT 1 FROM ledger WHERE playbook_key = ?1) OR EXISTS (SELECT 1 FROM notifications "
      "WHERE "
      "playbook_key = ?1) OR EXISTS (SELECT 1 FROM runs WHERE playbook_key = ?1)");
  for (const std::string& former : run_.former_keys) {
    const bool any = known.with(former).step() && known.integer(0) != 0;
    known.with();
    if (!any) continue;
    remove_mark(folder_);
    marked_ = false;
    mark_.playbooks.erase(former);
    mark_.playbooks.erase(run_.playbook_key);
    Transaction transaction(*database_);
    for (const char* sql : {"UPDATE OR IGNORE ledger SET playbook_key = ?2 WHERE playbook_key = ?1",
                            "UPDATE OR IGNORE notifications SET playbook_key = ?2 WHERE playbook_key = ?1",
                            "UPDATE runs SET playbook_key = ?2 WHERE playbook_key = ?1"})
      database_->statement(sql).with(former, run_.playbook_key).run();
    for (const char* sql :
         {"DELETE FROM ledger WHERE playbook_key = ?", "DELETE FROM notifications WHERE playbook_key = ?"})
      database_->statement(sql).with(former).run();
    transaction.commit();
  }
}

void StateJournal::reopen() {
  images_.reset();
  database_.reset();
  database_ = open_state_database({folder_, StateDatabaseSettings::For::writing, settings_.notice, {}});
  struct stat status {};
  inode_ = ::stat(database_->path().c_str(), &status) == 0 ? status.st_ino : 0;
  images_ = std::make_unique<Images>(*database_, folder_);
  number_ = known_number();
  closed_ = false;
}

// Another process of the run may work with the same database.
std::int64_t StateJournal::known_number() {
  Statement& found = database_->statement("SELECT number FROM runs WHERE id = ?").with(run_.id);
  const std::int64_t number = found.step() ? found.integer(0) : 0;
  found.with();
  return number;
}

// Damage may be in a part that opening does not read.
void StateJournal::open_sound() try { reopen(); } catch (const DatabaseError& e) {
  found_damaged(e);
  reopen();
}

// Sets the database aside if its content is damaged, and closes it; rethrows other errors.
void StateJournal::found_damaged(const DatabaseError& e) {
  const bool damaged =
      e.cause() == Cause::damaged || (e.cause() == Cause::other && database_ && !has_right_tables(*database_));
  if (!damaged) throw e;
  images_.reset();
  database_.reset();
  if (!is_sound(folder_)) set_state_aside(folder_, inode_, e.message(), settings_.notice);
  mark_ = {};
}

Error StateJournal::cannot_write(const DatabaseError& e) const {
  return Error(fmt::format("the state database {}/state.db cannot be written to: {}", folder_, e.message()));
}

void StateJournal::insert_run() {
  if (number_ == 0) {
    const ProcessMark self = this_process();
    database_
        ->statement(
            "INSERT OR IGNORE INTO runs (id, kind, playbook, playbook_key, starter, version, process, "
            "process_started, "
            "boot, started, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''))")
        .with(run_.id, run_.kind, run_.playbook, run_.playbook_key, run_.starter, MLOPS_VERSION, self.process,
              self.started, self.boot, run_.started, run_.undoes.value_or(""))
        .run();
    number_ = known_number();
  }
  database_->statement("INSERT OR IGNORE INTO participants (run, identity) VALUES (?, ?)")
      .with(number_, settings_.identity)
      .run();
}

// Closes earlier runs that never ended. Records the current state of their interrupted steps: that is what undo
// can revert.
void StateJournal::close_earlier() {
  struct Left {
    std::int64_t run, sequence;
    std::string actions, before;
  };
  std::vector<Left> all;
  Statement& left = database_->statement(
      "SELECT run, sequence, coalesce(actions, ''), coalesce(before, '') FROM steps WHERE state = 0 AND run <> "
      "?");
  for (left.with(number_); left.step();)
    all.push_back({left.integer(0), left.integer(1), left.text(2), left.text(3)});
  for (const Left& one : all) {
    std::vector<Action> actions;
    std::vector<Before> before;
    const Value kept_actions = parse_kept(one.actions), kept_list = parse_kept(one.before);
    if (kept_actions.is_array())
      for (const Value& kept : kept_actions.as_array())
        actions.push_back(kept_action(kept).value_or(RepairPackages{}));
    if (kept_list.is_array())
      for (const Value& kept : kept_list.as_array()) before.push_back(kept_before(kept));
    before.resize(actions.size());
    std::vector<std::pair<std::string, std::string>> things;
    const auto packages = packages_after(before);
    database_
        ->statement(
            "UPDATE steps SET state = ?, after = ?, before = coalesce(?, before) WHERE run = ? AND sequence = "
            "?")
        .with(number_of(StepState::interrupted),
              actions.empty() ? "" : left_by(actions, before, machine_, things), packages, one.run,
              one.sequence)
        .run();
  }
  database_->statement("UPDATE runs SET outcome = 'cut off' WHERE outcome IS NULL AND number <> ?")
      .with(number_)
      .run();
}

template <class Write>
void StateJournal::commit(List list, Write& write) {
  const std::int64_t before = number_;
  if (!closed_) remove_mark(folder_);
  try {
    Transaction transaction(*database_);
    if (!closed_) close_earlier();
    if (list == List::run || listed_) insert_run();
    for (const Work& one : later_) one(*database_, number_);
    write();
    images_->sync();
    transaction.commit();
  } catch (...) {
    images_->forget_unsynced();
    number_ = before;
    throw;
  }
  closed_ = true;
  listed_ = number_ != 0;
  later_.clear();
}

template <class Write>
void StateJournal::durably(List list, Write write) {
  if (!database_) throw Error("the journal is not open");
  try {
    if (database_->moved()) {
      tell(
          fmt::format("the state database {} was removed during the run; a new one is created. What was "
                      "done before this cannot be undone.",
                      database_->path()));
      mark_ = {};
      open_sound();
    }
    try {
      commit(list, write);
    } catch (const DatabaseError& e) {
      found_damaged(e);
      reopen();
      commit(list, write);
    }
  } catch (const DatabaseError& e) {
    throw cannot_write(e);
  }
}

void StateJournal::begin(std::span<const Step> steps) {
  capture_.invalidate_caches();
  const auto forget = [&] {
    for (const Step& step : steps) under_way_.erase(step.purpose.sequence);
  };
  try {
    durably(List::run, [&] {
      for (const Step& step : steps) record(step);
    });
  } catch (const OutOfReach& unreached) {
    forget();
    throw unreached.error;
  } catch (Error& e) {
    forget();
    throw e.while_doing("it was not started, because it could not be recorded first");
  }
}

// The path to an action's object is the action's own concern: if it is not accessible, the action itself fails.
Before StateJournal::before(const Action& action) {
  bool keeping = false;
  const KeepContent keep = [&](std::string_view content) {
    keeping = true;
    auto kept = images_->keep(content, number_);
    keeping = false;
    return kept;
  };
  try {
    return capture_.before(action, keep);
  } catch (const Error& e) {
    if (!keeping && (e.kind() == ErrorKind::denied || e.kind() == ErrorKind::unsafe_path)) throw OutOfReach{e};
    throw;
  }
}

void StateJournal::record(const Step& step) {
  std::vector<Before> before;
  for (const Action& action : step.actions) before.push_back(this->before(action));
  const StepInfo& p = step.purpose;
  database_
      ->statement(
          "INSERT INTO steps (run, sequence, resource, type, identity, state, program, makes, claims, changes, "
          "actions, before) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, sequence) DO UPDATE "
          "SET "
          "changes = excluded.changes, actions = excluded.actions, before = excluded.before")
      .with(number_, static_cast<std::int64_t>(p.sequence), p.resource, p.type, settings_.identity,
            std::int64_t{any_program(step.actions)}, std::int64_t{p.makes}, kept_claims(p.claims),
            to_json(to_kept_list(p.changes)), to_json(to_kept_list(step.actions)),
            to_json(to_kept_list(before)))
      .run();
  note_role(p);
  note_notifications(step);
  under_way_[p.sequence] = std::move(before);
}

void StateJournal::announce(std::span<const Step> steps, const std::string& identity) {
  try {
    durably(List::run, [&] {
      database_->statement("INSERT OR IGNORE INTO participants (run, identity) VALUES (?, ?)")
          .with(number_, identity)
          .run();
      for (const Step& step : steps) {
        const StepInfo& p = step.purpose;
        database_
            ->statement(
                "INSERT OR IGNORE INTO steps (run, sequence, resource, type, identity, state, program, makes, "
                "claims) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)")
            .with(number_, static_cast<std::int64_t>(p.sequence), p.resource, p.type, identity,
                  std::int64_t{any_program(step.actions)}, std::int64_t{p.makes}, kept_claims(p.claims))
            .run();
        note_role(p);
        note_notifications(step);
      }
    });
  } catch (Error& e) {
    throw e.while_doing("it was not started, because it could not be recorded first");
  }
}

void StateJournal::note_role(const StepInfo& purpose) {
  if (!purpose.undoes && !purpose.recovery) return;
  const StepName undoes = purpose.undoes.value_or(StepName());
  database_
      ->statement(
          "INSERT OR REPLACE INTO step_roles (run, sequence, undoes, undone, recovery) VALUES (?, ?, nullif(?, "
          "''), ?, ?)")
      .with(number_, static_cast<std::int64_t>(purpose.sequence), undoes.run,
            static_cast<std::int64_t>(undoes.sequence), std::int64_t{purpose.recovery})
      .run();
}

// An undone step has no notifications to deliver.
void StateJournal::drop_notifications_of(const StepName& undone) {
  later([undone](Database& database, std::int64_t) {
    database
        .statement(
            "DELETE FROM notifications WHERE (run, source) IN (SELECT number, resource FROM steps JOIN runs ON "
            "runs.number = steps.run WHERE runs.id = ? AND sequence = ?)")
        .with(undone.run, static_cast<std::int64_t>(undone.sequence))
        .run();
  });
}

// In the starter's database only: it is the first to be read.
void StateJournal::note_notifications(const Step& step) {
  if (run_.starter != settings_.identity) return;
  for (const std::string& target : step.purpose.notifies)
    database_
        ->statement(
            "INSERT OR IGNORE INTO notifications (playbook_key, target, source, run) VALUES (?, ?, ?, ?)")
        .with(run_.playbook_key, target, step.purpose.resource, number_)
        .run();
}

std::vector<Action> StateJournal::completed(std::span<const Action> actions) {
  std::vector<Action> all(actions.begin(), actions.end());
  for (Action& action : all) {
    auto* restore = std::get_if<RestorePath>(&action);
    if (restore && restore->saved.kind == SavedPath::Kind::file && !restore->saved.digest.empty() &&
        !restore->content)
      restore->content = images_->load(restore->saved.digest);
    if (!restore) continue;
    for (SavedBelow& below : restore->below)
      if (below.saved.kind == SavedPath::Kind::file && below.saved.hard_link.empty() && !below.content)
        below.content = images_->load(below.saved.digest);
  }
  return all;
}

void StateJournal::end(std::span<const Step> steps, std::span<const std::optional<Error>> errors) noexcept try {
  bool urgent = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    note_end(steps[i], errors[i]);
    // Steps that take long, or must not be repeated, are committed at once.
    urgent = urgent || !std::all_of(steps[i].actions.begin(), steps[i].actions.end(), is_whole_or_not);
  }
  if (urgent) durably(List::nothing, [] {});
} catch (const std::exception& e) {
  tell(fmt::format("{}; what was done stays, but the next run will not trust it", e.what()));
}

// The packages that the transaction installed, known only now; absent if there was none.
std::optional<std::string> StateJournal::packages_after(std::vector<Before>& before) {
  bool any = false;
  for (Before& b : before) {
    if (b.package_list.empty()) continue;
    any = true;
    try {
      note_packages(images_->load(b.package_list), capture_.package_list(), b);
    } catch (const Error& e) {
      tell(fmt::format("what came with packages is not known: {}", e.what()));
    }
  }
  if (!any) return std::nullopt;
  return to_json(to_kept_list(before));
}

// After a failure although the object exists: it could not be synced, for example, but this run created it.
bool StateJournal::made_all_the_same(const StepInfo& purpose) const {
  return purpose.makes &&
         std::any_of(purpose.claims.begin(), purpose.claims.end(), [&](const ClaimedObject& claim) {
           const std::string print = fingerprint_of(claim, machine_);
           return !print.empty() && print != "absent";
         });
}

void StateJournal::note_end(const Step& step, const std::optional<Error>& error) {
  const auto sequence = static_cast<std::int64_t>(step.purpose.sequence);
  const bool in_doubt = error && (leaves_doubt(step.actions) || made_all_the_same(step.purpose));
  const auto state = number_of(!error     ? StepState::done
                               : in_doubt ? StepState::interrupted
                                          : StepState::failed);
  const std::string reason = error ? without_url_passwords(error->what()) : "";
  const auto known = under_way_.find(step.purpose.sequence);
  if (known == under_way_.end()) {  // another identity acted
    later([=](Database& database, std::int64_t run) {
      database.statement("UPDATE steps SET state = ?, reason = nullif(?, '') WHERE run = ? AND sequence = ?")
          .with(state, reason, run, sequence)
          .run();
    });
  } else {
    std::vector<Before> before = std::move(known->second);
    under_way_.erase(known);
    const auto packages = packages_after(before);
    std::vector<std::pair<std::string, std::string>> things;
    const std::string after = left_by(step.actions, before, machine_, things);
    later([=](Database& database, std::int64_t run) {
      database
          .statement(
              "UPDATE steps SET state = ?, reason = nullif(?, ''), after = ?, before = coalesce(?, before) "
              "WHERE run = ? AND sequence = ?")
          .with(state, reason, after, packages, run, sequence)
          .run();
      for (const auto& [thing, print] : things)
        database
            .statement("INSERT OR REPLACE INTO things (thing, fingerprint, run, sequence) VALUES (?, ?, ?, ?)")
            .with(thing, print, run, sequence)
            .run();
    });
  }
  if (in_doubt) in_doubt_.insert(step.purpose.resource);
  if (!error) mark_recovered(step.purpose.recovers);
  if (!error && step.purpose.undoes) drop_notifications_of(*step.purpose.undoes);
  if (!error && in_doubt_.erase(step.purpose.resource) > 0)  // it was retried
    later([resource = step.purpose.resource](Database& database, std::int64_t run) {
      database.statement("UPDATE steps SET state = 4 WHERE state = 3 AND run = ? AND resource = ?")
          .with(run, resource)
          .run();
    });
  // Nothing was done, so there is nothing to notify.
  if (error && error->kind() != ErrorKind::unsynced && step.actions.size() == 1 &&
      is_whole_or_not(step.actions[0]))
    later([key = run_.playbook_key, source = step.purpose.resource](Database& database, std::int64_t run) {
      database.statement("DELETE FROM notifications WHERE playbook_key = ? AND source = ? AND run = ?")
          .with(key, source, run)
          .run();
    });
}

void StateJournal::mark_recovered(std::span<const StepName> steps) {
  for (const StepName& step : steps)
    later([step](Database& database, std::int64_t) {
      database
          .statement(
              "UPDATE steps SET state = 4 WHERE state = 3 AND sequence = ? AND run IN "
              "(SELECT number FROM runs WHERE id = ?)")
          .with(static_cast<std::int64_t>(step.sequence), step.run)
          .run();
    });
  if (run_.undoes)
    for (const StepName& step : steps) drop_notifications_of(step);
}

void StateJournal::delivered(const std::string& target) {
  later([target, key = run_.playbook_key](Database& database, std::int64_t) {
    database.statement("DELETE FROM notifications WHERE playbook_key = ? AND target = ?")
        .with(key, target)
        .run();
  });
}

bool StateJournal::is_settled() {
  return database_->integer("SELECT count(*) FROM steps WHERE state IN (0, 3)") == 0 &&
         database_->integer("SELECT count(*) FROM runs WHERE outcome IS NULL") == 0 &&
         database_->integer("SELECT count(*) FROM notifications") == 0;
}

void StateJournal::conclude(const std::string& outcome, const std::string& counts) noexcept try {
  if (!database_) return;
  // Also for an undo that found nothing left to do: the run that it undoes is finished.
  const bool is_undo = run_.undoes.has_value();
  const bool writes = listed_ || unfinished_ || is_undo || !later_.empty();
  if (writes) {
    later([this, outcome, counts, is_undo](Database& database, std::int64_t run) {
      database.statement("UPDATE runs SET ended = ?, outcome = ?, counts = nullif(?, '') WHERE number = ?")
          .with(microseconds_now(), outcome, counts, run)
          .run();
      if (is_undo)
        for (const std::string& key : own_again(database, *run_.undoes)) mark_.playbooks.erase(key);
    });
    durably(is_undo ? List::run : List::nothing, [this] { forget_old_runs(); });
  }
  const bool marks = (writes || !marked_) && is_settled();
  images_.reset();
  database_.reset();
  if (marks) write_mark(folder_, mark_);
} catch (const std::exception& e) {
  tell(fmt::format("{}; the run will be listed as not finished", e.what()));
  later_.clear();
}

// Undo data is kept for recent runs only; the list of runs and their changes for all.
void StateJournal::forget_old_runs() {
  Statement& old = database_->statement("SELECT count(*) FROM runs WHERE whole = 1 AND number <= ?");
  const std::int64_t last = number_ - whole_runs;
  old.with(last).step();
  const bool any = old.integer(0) > 0;
  old.with();
  if (!any) return;
  for (const char* sql :
       {"UPDATE steps SET actions = NULL, before = NULL, after = NULL WHERE run IN "
        "(SELECT number FROM runs WHERE whole = 1 AND number <= ?)",
        "DELETE FROM disowned WHERE run IN (SELECT id FROM runs WHERE whole = 1 AND number <= ?)",
        "DELETE FROM image_uses WHERE run <= ?", "UPDATE runs SET whole = 0 WHERE whole = 1 AND number <= ?"})
    database_->statement(sql).with(last).run();
  images_->sweep();
}

}  // namespace mlops
