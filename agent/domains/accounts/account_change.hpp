// Makes a change of accounts atomic: what a killed program left incomplete is detected and reverted.
//
// shadow's programs replace passwd, shadow, group, gshadow, subuid and subgid one after the other. If one is
// killed in between, it leaves for example a user without a group and without a line in shadow, and no later
// program repairs that. So the affected lines are saved beside those files before such a program starts:
// ETC/.mlops-agent-accounts, world-readable as passwd is, and ETC/.mlops-agent-accounts-secret for those of
// shadow and gshadow. The latter is written last and removed first: as long as it exists, a change is running
// or was interrupted.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace mlops {

// Selects lines of the account files: those whose first field is one of these.
struct AccountNames {
  std::vector<std::string> users, groups;
};

// The previous lines of a file by their first field; an empty list if there was none.
using KeptLines = std::map<std::string, std::vector<std::string>>;

class AccountChange {
 public:
  explicit AccountChange(std::string etc = "/etc") : etc_(std::move(etc)) {}

  // The lines of ETC/passwd or ETC/group from before an interrupted change; empty if there was none.
  KeptLines before(const std::string& file) const;
  // Exists whenever `before` has lines; its times change whenever they do.
  std::string mark() const { return open_path() + "-secret"; }

  // Durable on return, so that the program may start. Error.
  void begin(const AccountNames& names) const;
  // Restores one group to its state at begin, without the member. Error.
  void put_group_back(const std::string& group, const std::string& without_member) const;
  // The program succeeded.
  void end() const;
  // Restores the files to their state before an interrupted change; does nothing if there was none. A password
  // that was set since is not lost: then the current line stays. Waits for programs that are changing accounts.
  // Error.
  void revert() const;

 private:
  bool has_password_set_since(const std::map<std::string, KeptLines>& kept) const;
  std::string open_path() const { return etc_ + "/.mlops-agent-accounts"; }
  std::string etc_;
};

// The text of a file that accounts are in; "" if there is none. flags: of open(2), besides. Error.
std::string read_account_text(const std::string& path, int flags = 0);

// The text with the saved lines in place of those with the same first fields.
std::string with_lines(const std::string& text, const KeptLines& kept);

}  // namespace mlops
