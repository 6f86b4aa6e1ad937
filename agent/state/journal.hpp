// The journal of one identity in its state database: what is done for a run, what that replaces, and how it ended.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "machine/journal.hpp"
#include "state/capture_before.hpp"
#include "state/images.hpp"
#include "state/mark.hpp"
#include "state/state_database.hpp"

namespace mlops {

struct JournalSettings {
  std::string identity;  // who acts, by name
  std::string folder;  // state_folder(…); made where it is missing
  bool strict = false;  // see Walker
  uid_t person = 0;
  CaptureLimits limits = {};
  Notice notice = {};
  std::string dpkg_folder = "/var/lib/dpkg";
};

// Where the database is damaged or gone, a new one is begun and the notice told; the run goes on.
class StateJournal : public Journal {
 public:
  // machine must outlive it.
  StateJournal(JournalSettings settings, const MachineReader& machine);
  ~StateJournal() override;

  // Closes the runs that were cut off, whose process is gone: call it with the run lock held.
  void open(const RunHeader& run) override;
  void begin(std::span<const Step> steps) override;
  void announce(std::span<const Step> steps, const std::string& identity) override;
  std::vector<Action> completed(std::span<const Action> actions) override;
  void end(std::span<const Step> steps, std::span<const std::optional<Error>> errors) noexcept override;
  void conclude(const std::string& outcome, const std::string& counts) noexcept override;

  // Writes beside what the journal itself does; durable with the next commit of it. Between open and conclude.
  using Work = std::function<void(Database&, std::int64_t run)>;
  void later(Work work) { later_.push_back(std::move(work)); }
  // What a run that changes nothing finds without the database (state/mark.hpp), written when the run is concluded.
  SettledMark& mark() { return mark_; }

 private:
  template <class Write>
  void durably(Write write);
  void reopen();
  void open_sound();
  Error cannot_write(const DatabaseError& e) const;
  void insert_run();
  void close_earlier();
  void record(const Step& step);
  void note_notifications(const Step& step);
  void note_end(const Step& step, const std::optional<Error>& error);
  std::optional<std::string> packages_after(std::vector<Before>& before);
  void forget_old_runs();
  void tell(const std::string& text) const;

  JournalSettings settings_;
  const MachineReader& machine_;
  BeforeCapture capture_;
  RunHeader run_;
  std::string folder_;  // without links
  SettledMark mark_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Images> images_;
  std::uint64_t inode_ = 0;
  std::int64_t number_ = 0;   // of the run in this database
  bool any_cut_off_ = false;  // by earlier runs, and not healed yet
  std::map<std::uint64_t, std::vector<Before>> under_way_;  // by sequence
  std::vector<Work> later_;
};

}  // namespace mlops
