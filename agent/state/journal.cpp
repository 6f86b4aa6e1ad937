#include "state/journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "state/json_value.hpp"
#include "state/kept.hpp"
#include "state/process_mark.hpp"
#include "state/state_folder.hpp"
#include "state/step_state.hpp"

namespace mlops {
namespace {

using Cause = DatabaseError::Cause;

constexpr std::int64_t whole_runs = 20;  // for so many of the last runs all is kept that undoing them needs

std::int64_t now_us() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

bool is_file_action(const Action& action) {
  return std::visit(overloaded{[](const WriteFile&) { return true; }, [](const CreateSecret&) { return true; },
                               [](const CreateDirectory&) { return true; }, [](const CreateLink&) { return true; },
                               [](const SetAttributes&) { return true; }, [](const RemovePath&) { return true; },
                               [](const RenamePath&) { return true; }, [](const RestorePath&) { return true; },
                               [](const auto&) { return false; }},
                    action);
}

std::string fingerprints(std::span<const Action> actions, const std::vector<Before>& before, const MachineReader& machine,
                         std::vector<std::pair<std::string, std::string>>& things) {
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

// What ended well is told before this process ends; without conclude the run counts as cut off all the same.
StateJournal::~StateJournal() {
  if (!database_ || later_.empty()) return;
  try {
    durably([] {});
  } catch (const Error&) {
    // It is not believed then, and looked at again by the next run.
  }
}

void StateJournal::tell(const std::string& text) const {
  if (settings_.notice) settings_.notice(text);
}

void StateJournal::open(const RunHeader& run) {
  run_ = run;
  folder_ = prepare_state_folder(settings_.folder);
  static_cast<void>(read_mark(folder_, mark_));
  remove_mark(folder_);
  open_sound();
}

void StateJournal::reopen() {
  images_.reset();
  database_.reset();
  database_ = open_state_database({folder_, StateDatabaseSettings::For::writing, settings_.notice, {}});
  struct stat status {};
  inode_ = ::stat(database_->path().c_str(), &status) == 0 ? status.st_ino : 0;
  images_ = std::make_unique<Images>(*database_, folder_);
  Transaction transaction(*database_);
  insert_run();
  close_earlier();
  transaction.commit();
}

// Damage may lie where opening does not look.
void StateJournal::open_sound() try {
  try {
    reopen();
  } catch (const DatabaseError& e) {
    if (e.cause() != Cause::damaged) throw;
    set_state_aside(folder_, inode_, e.message(), settings_.notice);
    reopen();
  }
} catch (const DatabaseError& e) {
  throw cannot_write(e);
}

Error StateJournal::cannot_write(const DatabaseError& e) const {
  return Error(fmt::format("the state database {}/state.db cannot be written to: {}", folder_, e.message()));
}

void StateJournal::insert_run() {
  const ProcessMark self = this_process();
  database_
      ->statement("INSERT OR IGNORE INTO runs (id, kind, playbook, playbook_key, starter, version, process, "
                  "process_started, boot, started, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''))")
      .with(run_.id, run_.kind, run_.playbook, run_.playbook_key, run_.starter, MLOPS_VERSION, self.process,
            self.started, self.boot, run_.started, run_.undoes)
      .run();
  Statement& found = database_->statement("SELECT number FROM runs WHERE id = ?").with(run_.id);
  found.step();
  number_ = found.integer(0);
  found.with();
  database_->statement("INSERT OR IGNORE INTO participants (run, identity) VALUES (?, ?)")
      .with(number_, settings_.identity)
      .run();
}

// Earlier runs that never ended. What they had under way is left as it is now: that is what could be taken back.
void StateJournal::close_earlier() {
  struct Left {
    std::int64_t run, sequence;
    std::string actions, before;
  };
  std::vector<Left> all;
  Statement& left = database_->statement(
      "SELECT run, sequence, coalesce(actions, ''), coalesce(before, '') FROM steps WHERE state = 0 AND run <> ?");
  for (left.with(number_); left.step();)
    all.push_back({left.integer(0), left.integer(1), left.text(2), left.text(3)});
  for (const Left& one : all) {
    std::vector<Action> actions;
    std::vector<Before> before;
    const Value kept_actions = parse_kept(one.actions), kept_list = parse_kept(one.before);
    if (kept_actions.is_array())
      for (const Value& kept : kept_actions.as_array()) actions.push_back(kept_action(kept).value_or(RepairPackages{}));
    if (kept_list.is_array())
      for (const Value& kept : kept_list.as_array()) before.push_back(kept_before(kept));
    before.resize(actions.size());
    std::vector<std::pair<std::string, std::string>> things;
    const auto packages = packages_after(before);
    database_->statement("UPDATE steps SET state = ?, after = ?, before = coalesce(?, before) WHERE run = ? AND sequence = ?")
        .with(number_of(StepState::cut_off), actions.empty() ? "" : fingerprints(actions, before, machine_, things),
              packages, one.run, one.sequence)
        .run();
  }
  database_->statement("UPDATE runs SET outcome = 'cut off' WHERE outcome IS NULL AND number <> ?").with(number_).run();
  any_cut_off_ = database_->integer("SELECT count(*) FROM steps WHERE state = 3") > 0;
}

template <class Write>
void StateJournal::durably(Write write) {
  if (!database_) throw Error("the journal is not open");
  const auto work = [&] {
    Transaction transaction(*database_);
    for (const Work& one : later_) one(*database_, number_);
    write();
    images_->sync();
    transaction.commit();
    later_.clear();
  };
  try {
    if (database_->moved()) {
      tell(fmt::format("the state database {} was removed while the run was under way; a new one is begun. What was "
                       "done before this cannot be undone.",
                       database_->path()));
      open_sound();
    }
    work();
  } catch (const DatabaseError& e) {
    images_->forget_unsynced();
    if (e.cause() != Cause::damaged) throw cannot_write(e);
    set_state_aside(folder_, inode_, e.message(), settings_.notice);
    reopen();
    work();
  } catch (const Error&) {
    images_->forget_unsynced();
    throw;
  }
}

void StateJournal::begin(std::span<const Step> steps) {
  capture_.look_anew();
  try {
    durably([&] {
      for (const Step& step : steps) record(step);
    });
  } catch (Error& e) {
    for (const Step& step : steps) under_way_.erase(step.purpose.sequence);
    throw e.while_doing("it was not begun, because it could not be written down first");
  }
}

void StateJournal::record(const Step& step) {
  const KeepContent keep = [this](std::string_view content) { return images_->keep(content, number_); };
  std::vector<Before> before;
  for (const Action& action : step.actions) before.push_back(capture_.before(action, keep));
  const Purpose& p = step.purpose;
  database_
      ->statement("INSERT INTO steps (run, sequence, resource, type, identity, state, changes, actions, before) "
                  "VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT (run, sequence) DO UPDATE SET "
                  "changes = excluded.changes, actions = excluded.actions, before = excluded.before")
      .with(number_, static_cast<std::int64_t>(p.sequence), p.resource, p.type, settings_.identity,
            to_json(to_kept_list(p.changes)), to_json(to_kept_list(step.actions)), to_json(to_kept_list(before)))
      .run();
  note_notifications(step);
  under_way_[p.sequence] = std::move(before);
}

void StateJournal::announce(std::span<const Step> steps, const std::string& identity) {
  try {
    durably([&] {
      database_->statement("INSERT OR IGNORE INTO participants (run, identity) VALUES (?, ?)")
          .with(number_, identity)
          .run();
      for (const Step& step : steps) {
        const Purpose& p = step.purpose;
        database_
            ->statement("INSERT OR IGNORE INTO steps (run, sequence, resource, type, identity, state) "
                        "VALUES (?, ?, ?, ?, ?, 0)")
            .with(number_, static_cast<std::int64_t>(p.sequence), p.resource, p.type, identity)
            .run();
        note_notifications(step);
      }
    });
  } catch (Error& e) {
    throw e.while_doing("it was not begun, because it could not be written down first");
  }
}

// In the starter's database alone: it is the one that is looked at first.
void StateJournal::note_notifications(const Step& step) {
  if (run_.starter != settings_.identity) return;
  for (const std::string& target : step.purpose.notifies)
    database_->statement("INSERT OR REPLACE INTO notifications (playbook_key, target, source, run) VALUES (?, ?, ?, ?)")
        .with(run_.playbook_key, target, step.purpose.resource, number_)
        .run();
}

std::vector<Action> StateJournal::completed(std::span<const Action> actions) {
  std::vector<Action> all(actions.begin(), actions.end());
  for (Action& action : all) {
    auto* restore = std::get_if<RestorePath>(&action);
    if (restore && restore->saved.kind == SavedPath::Kind::file && !restore->content)
      restore->content = images_->load(restore->saved.digest);
  }
  return all;
}

void StateJournal::end(std::span<const Step> steps, std::span<const std::optional<Error>> errors) noexcept try {
  bool urgent = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    note_end(steps[i], errors[i]);
    // What takes long, or must not be done twice, is not left to the next commit.
    urgent = urgent || !std::all_of(steps[i].actions.begin(), steps[i].actions.end(), is_file_action);
  }
  if (urgent) durably([] {});
} catch (const std::exception& e) {
  tell(fmt::format("{}; what was done stays, but the next run will not believe it", e.what()));
}

// The packages that the transaction brought, now that they are known; absent where there was none.
std::optional<std::string> StateJournal::packages_after(std::vector<Before>& before) {
  bool any = false;
  for (Before& b : before) {
    if (b.package_list.empty()) continue;
    any = true;
    try {
      b.packages = package_changes(images_->load(b.package_list), capture_.package_list());
    } catch (const Error& e) {
      tell(fmt::format("what came with packages is not known: {}", e.what()));
    }
  }
  if (!any) return std::nullopt;
  return to_json(to_kept_list(before));
}

void StateJournal::note_end(const Step& step, const std::optional<Error>& error) {
  const auto sequence = static_cast<std::int64_t>(step.purpose.sequence);
  const auto state = number_of(error ? StepState::failed : StepState::done);
  const std::string reason = error ? error->what() : "";
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
    const std::string after = fingerprints(step.actions, before, machine_, things);
    later([=](Database& database, std::int64_t run) {
      database
          .statement("UPDATE steps SET state = ?, reason = nullif(?, ''), after = ?, before = coalesce(?, before) "
                     "WHERE run = ? AND sequence = ?")
          .with(state, reason, after, packages, run, sequence)
          .run();
      for (const auto& [thing, print] : things)
        database.statement("INSERT OR REPLACE INTO things (thing, fingerprint, run, sequence) VALUES (?, ?, ?, ?)")
            .with(thing, print, run, sequence)
            .run();
    });
  }
  if (any_cut_off_ && !error)
    later([resource = step.purpose.resource, key = run_.playbook_key](Database& database, std::int64_t run) {
      heal(database, resource, key, run);
    });
}

void StateJournal::conclude(const std::string& outcome, const std::string& counts) noexcept try {
  if (!database_) return;
  later([=](Database& database, std::int64_t run) {
    database.statement("UPDATE runs SET ended = ?, outcome = ?, counts = nullif(?, '') WHERE number = ?")
        .with(now_us(), outcome, counts, run)
        .run();
  });
  durably([this] { forget_old_runs(); });
  const bool settled = database_->integer("SELECT count(*) FROM steps WHERE state IN (0, 3)") == 0 &&
                       database_->integer("SELECT count(*) FROM notifications") == 0;
  images_.reset();
  database_.reset();
  if (settled) write_mark(folder_, mark_);
} catch (const std::exception& e) {
  tell(fmt::format("{}; the run will be listed as cut off", e.what()));
  later_.clear();
}

// What undoing needs is kept for the last runs; that they were, and what they changed, for all.
void StateJournal::forget_old_runs() {
  Statement& old = database_->statement("SELECT count(*) FROM runs WHERE whole = 1 AND number <= ?");
  const std::int64_t last = number_ - whole_runs;
  old.with(last).step();
  const bool any = old.integer(0) > 0;
  old.with();
  if (!any) return;
  for (const char* sql : {"UPDATE steps SET actions = NULL, before = NULL, after = NULL WHERE run IN "
                          "(SELECT number FROM runs WHERE whole = 1 AND number <= ?)",
                          "DELETE FROM image_uses WHERE run <= ?", "UPDATE runs SET whole = 0 WHERE whole = 1 AND number <= ?"})
    database_->statement(sql).with(last).run();
  images_->sweep();
}

}  // namespace mlops
