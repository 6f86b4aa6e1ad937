// The computer that this process runs on, with helpers for the identities that it is not.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "machine/accounts/account_reader.hpp"
#include "machine/cancellation.hpp"
#include "machine/host.hpp"
#include "machine/piped.hpp"
#include "machine/run_lock.hpp"

namespace mlops {

struct ThisHostSettings {
  Person person;
  std::string mirror;
  // How the right to act as another is had: asking for sudo's password on the terminal, only if sudo asks for
  // none, or not at all (--no-sudo).
  enum class Sudo { ask, silent, never } sudo = Sudo::silent;
  // Asks for sudo's password where there is no terminal to ask on; again says that the last was wrong. Absent: nobody
  // answers. Empty: on the terminal.
  using Password = std::function<std::optional<std::string>(bool again)>;
  Password password = {};
};

// Reads with the rights of this process where they suffice; asks a helper where another identity must act, a read
// was denied, or this process's groups are not those of the group database. cancellation must outlive it.
class ThisHost : public Host {
 public:
  ThisHost(ThisHostSettings settings, const Cancellation& cancellation, ProgressSink progress);
  ~ThisHost() override;
  Machine& as(const Identity& identity) override;
  void begin(const std::string&) override {}
  std::vector<std::string> doubts() const override { return {}; }
  void add_to_path(const std::vector<std::string>& folders) override;

  // Makes sure that these can act, and takes their locks: root first. Error privilege, or the lock's, before
  // anything is changed.
  void prepare(std::vector<Identity> identities, const std::string& playbook);

 private:
  class Elevating;
  friend class Elevating;
  struct Helper {
    std::unique_ptr<HelperMachine> machine;
    bool locked = false;
  };
  Helper& helper(const Identity& identity);
  std::unique_ptr<HelperMachine> start(const Identity& identity);
  bool acts_here(const Identity& identity);
  bool may_ask() const;
  std::unique_ptr<HelperMachine> start_with_password(HelperSettings wanted);
  void groups_changed();

  ThisHostSettings settings_;
  const Cancellation& cancellation_;
  ProgressSink progress_;
  ActingUser self_;
  std::optional<bool> groups_current_;
  std::vector<std::string> path_;
  std::optional<std::string> password_;  // sudo's, once it was right
  std::map<Identity, Helper> helpers_;
  std::map<Identity, Error> refused_;
  std::map<Identity, std::unique_ptr<Elevating>> machines_;
  std::unique_ptr<RunLock> lock_;
  std::string playbook_;  // set once the run may act: identities are locked from then on
};

}  // namespace mlops
