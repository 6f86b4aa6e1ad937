// The computer that this process runs on, with helpers for other identities.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "domains/accounts/reader.hpp"
#include "machine/host.hpp"
#include "machine/privilege/piped.hpp"
#include "machine/run_lock.hpp"

namespace mlops {

struct ThisHostSettings {
  Person person;
  std::string mirror;
  // How privileges are obtained: asking for sudo's password on the terminal, only if sudo asks for none, or not
  // at all (--no-sudo).
  enum class Sudo { ask, silent, never } sudo = Sudo::silent;
  // Asks for sudo's password if there is no terminal to ask on; again means that the last one was wrong.
  // Absent: nobody answers. Empty: asks on the terminal.
  using Password = std::function<std::optional<std::string>(bool again)>;
  Password password = {};
  // Where work is journalled; borrowed, null: nowhere. journal: the same for helpers.
  const Journals* journals = nullptr;
  JournalOptions journal = {};
  TellPerson tell = {};                 // receives messages of journals
  std::chrono::milliseconds wait = {};  // how long to wait for another run
};

// Reads with the privileges of this process where they are enough; uses a helper if it must run as another
// identity, a read was denied, or this process's groups are not those of the group database. cancellation must
// outlive it.
class ThisHost : public Host {
 public:
  ThisHost(ThisHostSettings settings, const Cancellation& cancellation, ProgressSink progress);
  ~ThisHost() override;
  Machine& as(const Identity& identity) override;
  void require_right(const Identity& identity) const override;
  void begin(const std::string&) override {}
  std::vector<std::string> doubts() const override { return {}; }
  void add_to_path(const Identity& identity, const std::vector<std::string>& folders) override;

  std::vector<std::optional<Error>> perform(const Identity& identity, std::span<const Step> steps) override;
  const PriorRunState& earlier() const override { return earlier_; }
  void mark_recovered(const Identity& identity, const std::vector<StepName>& steps) override;
  void delivered(const std::string& target) override;

  // Reads the state that earlier runs of the playbook left, as far as this process's identity can see it.
  // Errors of Journals::earlier.
  void look_back(const std::string& playbook_key);
  // Checks that these identities can act, takes their locks, root first, and opens their journals. This
  // process's own is always among them. Error privilege, the lock's or the journal's, before anything is
  // changed. Afterwards, earlier() has what all of them recorded. run.starter is filled in.
  void prepare(std::vector<Identity> identities, RunHeader run);
  // Without prepare: records what a playbook found converged, if nothing else is to be done. If another run
  // holds the lock, the next run does it; other obstacles are reported to the person.
  void record_found(RunHeader run, std::vector<LedgerEntry> entries, std::uint64_t digest);
  // The run that was prepared is over. See Journal. entries: what the playbook created or found.
  void conclude(const std::string& outcome, const std::string& counts, std::vector<LedgerEntry> entries,
                std::optional<std::uint64_t> digest);

 private:
  class Elevating;
  friend class Elevating;
  struct Helper {
    std::unique_ptr<HelperMachine> machine;
    bool ready = false;  // locked, and its journal is open
  };
  Helper& helper(const Identity& identity);
  std::unique_ptr<HelperMachine> start(const Identity& identity);
  bool acts_here(const Identity& identity);
  bool may_ask() const;
  std::unique_ptr<HelperMachine> start_with_password(HelperSettings wanted);
  void groups_changed();
  // Ends the identity's helper: an account that a process runs as cannot be removed.
  void dismiss(const Identity& identity);
  Elevating& machine(const Identity& identity);
  void make_ready(const Identity& identity, Helper& helper);
  PriorRunState believed(PriorRunState told, const Identity& by) const;
  void add_earlier(PriorRunState more);
  void conclude(const Identity& identity, Helper& helper, const std::string& outcome);
  bool may_act() const { return !run_.playbook.empty(); }

  ThisHostSettings settings_;
  const Cancellation& cancellation_;
  ProgressSink progress_;
  ActingUser self_;
  std::optional<bool> groups_current_;
  std::map<Identity, std::vector<std::string>> path_;  // folders that commands find before PATH
  std::optional<std::string> password_;                // sudo's, once it was accepted
  std::map<Identity, Helper> helpers_;
  std::map<Identity, Error> refused_;
  std::map<Identity, std::unique_ptr<Elevating>> machines_;
  std::unique_ptr<RunLock> lock_;
  std::unique_ptr<Journal> journal_;  // of this process's identity
  RunHeader run_;  // its playbook is set once the run may act: identities are locked from then on
  PriorRunState earlier_;
};

}  // namespace mlops
