// The journal of one identity in its state database: the actions of a run, what they replace, and their
// results.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "domains/capture_before.hpp"
#include "machine/journal.hpp"
#include "state/images.hpp"
#include "state/mark.hpp"
#include "state/state_database.hpp"

namespace mlops {

struct JournalSettings {
  std::string identity;  // the acting user's name
  std::string folder;    // state_folder(…); created if missing
  bool strict = false;   // see Walker
  uid_t person = 0;
  CaptureLimits limits = {};
  Notice notice = {};
  std::string dpkg_folder = "/var/lib/dpkg";
};

// If the database is damaged or missing, creates a new one and reports a notice; the run continues.
class StateJournal : public Journal {
 public:
  // machine must outlive it.
  StateJournal(JournalSettings settings, const MachineReader& machine);
  ~StateJournal() override;

  // Creates the database here, but records nothing of the run before it begins something.
  PriorRunState open(const RunHeader& run) override;
  void begin(std::span<const Step> steps) override;
  void announce(std::span<const Step> steps, const std::string& identity) override;
  std::vector<Action> completed(std::span<const Action> actions) override;
  void end(std::span<const Step> steps, std::span<const std::optional<Error>> errors) noexcept override;
  void mark_recovered(std::span<const StepName> steps) override;
  void delivered(const std::string& target) override;
  void account(std::vector<LedgerEntry> entries, std::optional<std::uint64_t> digest) override;
  void conclude(const std::string& outcome, const std::string& counts) noexcept override;

 private:
  // Written with the next commit; run: its number, 0 if it is not listed.
  using Work = std::function<void(Database&, std::int64_t run)>;
  enum class List { run, nothing };
  template <class Write>
  void durably(List list, Write write);
  template <class Write>
  void commit(List list, Write& write);
  void reopen();
  void open_sound();
  void found_damaged(const DatabaseError& e);
  void adopt_former_keys();
  Error cannot_write(const DatabaseError& e) const;
  void insert_run();
  std::int64_t known_number();
  void close_earlier();
  // Thrown if the acting user may not access what an action is to change.
  struct OutOfReach {
    Error error;
  };
  void record(const Step& step);
  // Captures what the action replaces. Throws OutOfReach, or Error.
  Before before(const Action& action);
  void note_notifications(const Step& step);
  void note_role(const StepInfo& purpose);
  void drop_notifications_of(const StepName& undone);
  bool made_all_the_same(const StepInfo& purpose) const;
  void note_end(const Step& step, const std::optional<Error>& error);
  std::optional<std::string> packages_after(std::vector<Before>& before);
  void enter(const LedgerEntry& entry);
  void follow_owned(const std::vector<LedgerEntry>& entries, bool whole);
  bool made_before(const std::string& resource);
  std::string fingerprints(const LedgerEntry& entry);
  void forget_old_runs();
  bool is_settled();
  void later(Work work) { later_.push_back(std::move(work)); }
  void tell(const std::string& text) const;

  JournalSettings settings_;
  const MachineReader& machine_;
  CaptureBefore capture_;
  RunHeader run_;
  std::string folder_;  // with links resolved
  CleanMarker mark_;
  bool marked_ = false;  // the mark exists, and is valid
  std::unique_ptr<Database> database_;
  std::unique_ptr<Images> images_;
  std::uint64_t inode_ = 0;
  std::int64_t number_ = 0;  // of the run in this database; 0: it is not listed yet
  bool listed_ = false;      // it was, possibly in a database that is gone
  bool closed_ = false;      // earlier runs were closed in this database
  bool unfinished_ = false;  // some runs are still to be closed
  std::map<std::uint64_t, std::vector<Before>> under_way_;  // by sequence
  std::set<std::string> in_doubt_;  // labels of resources that failed half-way in this run
  std::vector<Work> later_;
};

}  // namespace mlops
