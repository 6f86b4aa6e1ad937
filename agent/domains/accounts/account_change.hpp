// A change of accounts as a whole: what a killed program left half done is seen, and is put, as it was before.
//
// shadow's programs replace passwd, shadow, group, gshadow, subuid and subgid one after the other. One that is killed in
// between leaves, say, a user without a group and without a line in shadow, and no later one mends that. So the lines
// that are at stake are kept beside those files before such a program starts: ETC/.mlops-agent-accounts, for everyone to
// read as passwd is, and ETC/.mlops-agent-accounts-secret for those of shadow and gshadow, which comes last and goes
// first: as long as it is there, a change is under way or was cut off.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace mlops {

// Which lines of the account files: those whose first field is one of these.
struct AccountNames {
  std::vector<std::string> users, groups;
};

// Lines of a file by their first field, as they were; an empty list where there was none.
using KeptLines = std::map<std::string, std::vector<std::string>>;

class AccountChange {
 public:
  explicit AccountChange(std::string etc = "/etc") : etc_(std::move(etc)) {}

  // The lines of ETC/passwd or ETC/group from before a change that was cut off; empty where none was.
  KeptLines before(const std::string& file) const;
  // There whenever `before` has something; its times change whenever that does.
  std::string mark() const { return open_path() + "-secret"; }

  // Durably, so that the program may start. Error.
  void begin(const AccountNames& names) const;
  // Since begin: puts one group as it was then, without the member. Error.
  void put_group_back(const std::string& group, const std::string& without_member) const;
  // The program ended well.
  void end() const;
  // Puts the files as they were before a change that was cut off; nothing where none was. A password that somebody set
  // since is not lost: then what there is stays. Waits for programs that change accounts right now. Error.
  void revert() const;

 private:
  bool has_password_set_since(const std::map<std::string, KeptLines>& kept) const;
  std::string open_path() const { return etc_ + "/.mlops-agent-accounts"; }
  std::string etc_;
};

// The text with the kept lines in place of those that have their first fields.
std::string with_lines(const std::string& text, const KeptLines& kept);

}  // namespace mlops
