// The users and groups of the machine that this process runs on.
#pragma once

#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "base/process.hpp"
#include "base/type_list.hpp"
#include "domains/accounts/account_change.hpp"
#include "domains/accounts/account_files.hpp"
#include "domains/accounts/actions.hpp"
#include "domains/accounts/reader.hpp"
#include "domains/local_context.hpp"

namespace mlops {

// Reads passwd and group below etc itself, again after device, inode, size, mtime or ctime of one changed.
// Other accounts are looked up in the name services, for the real /etc only, and only if nsswitch.conf(5) lists
// more than files. An incomplete change that was interrupted is read as before the change. Not thread-safe.
class LocalAccounts : public AccountReader {
 public:
  explicit LocalAccounts(std::string etc = "/etc");
  std::optional<UserAccount> user(const std::string& name) const override;
  std::optional<GroupAccount> group(const std::string& name) const override;
  std::optional<UserAccount> user_by_uid(std::uint32_t uid) const override;
  std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const override;
  // The users in passwd whose primary group it is.
  std::vector<std::string> primary_users(const std::string& group) const;

 private:
  struct Stamp {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = -1, mtime_ns = 0, ctime_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp stamp(const std::string& path);
  const AccountFiles& files() const;

  std::string etc_;
  bool services_ = false;  // name services besides the files
  AccountChange change_;
  mutable Stamp passwd_, group_, interrupted_;
  mutable KeptLines users_before_, groups_before_;
  mutable AccountFiles files_;
};

// Creates, changes and removes users and groups of this machine with shadow's programs, passing every value
// explicitly. Errors contain the program's output. A program that fails or is killed leaves no incomplete
// account: see AccountChange.
class LocalAccountWriter {
 public:
  LocalAccountWriter(const ActingUser& who, const Cancellation& cancellation)
      : who_(who), cancellation_(cancellation) {}
  // Reverts what an earlier run's program left incomplete.
  void recover() const;
  void perform(const CreateGroup& action) const;
  void perform(const ChangeGroup& action) const;
  void perform(const RemoveGroup& action) const;
  void perform(const CreateUser& action) const;
  void perform(const ChangeUser& action) const;
  void perform(const RemoveUser& action) const;
  void perform(const ChangeMembership& action) const;

 private:
  void change(AccountNames names, const std::function<void()>& work) const;
  void run(const std::string& doing, std::vector<std::string> argv) const;
  ActingUser who_;
  const Cancellation& cancellation_;
};

// The domain's part of the local machine.
struct AccountsLocal : LocalPart {
  explicit AccountsLocal(const LocalContext& c) : reader(c.accounts), writer(c.who, c.cancellation) {}
  void before_actions() {
    if (::geteuid() == 0) writer.recover();
  }
  void perform(const OneOf<AccountActions> auto& action) { writer.perform(action); }
  const LocalAccounts& reader;
  LocalAccountWriter writer;
};

}  // namespace mlops
