#include "domains/accounts/account_change.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <shadow.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "domains/accounts/local.hpp"
#include "domains/files/local.hpp"

namespace mlops {
namespace {

struct AccountFile {
  const char* name;
  bool of_users, secret;
};
// In the order in which they are restored: a program that reads passwd and group meanwhile sees the earlier
// change, too.
constexpr std::array<AccountFile, 6> account_files{{{"subuid", true, false},
                                                    {"subgid", true, false},
                                                    {"gshadow", false, true},
                                                    {"shadow", true, true},
                                                    {"group", false, false},
                                                    {"passwd", true, false}}};

bool there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

template <class F>
void each_line(std::string_view text, F work) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    work(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string first_field(std::string_view line) { return std::string(line.substr(0, line.find(':'))); }

KeptLines lines_of(const std::string& text, const std::vector<std::string>& names) {
  KeptLines kept;
  for (const std::string& name : names)
    if (!name.empty()) kept[name];
  each_line(text, [&](std::string_view line) {
    if (const auto found = kept.find(first_field(line)); found != kept.end()) found->second.emplace_back(line);
  });
  return kept;
}

// "passwd ada", and below it "=LINE" for each line that it had.
std::string to_text(const std::map<std::string, KeptLines>& files) {
  std::string text;
  for (const auto& [file, kept] : files)
    for (const auto& [name, lines] : kept) {
      text += file + " " + name + "\n";
      for (const std::string& line : lines) text += "=" + line + "\n";
    }
  return text;
}

std::map<std::string, KeptLines> parse(const std::string& text) {
  std::map<std::string, KeptLines> files;
  std::vector<std::string>* lines = nullptr;
  each_line(text, [&](std::string_view line) {
    if (line.starts_with('=')) {
      if (lines) lines->emplace_back(line.substr(1));
    } else if (const auto space = line.find(' '); space != line.npos) {
      lines = &files[std::string(line.substr(0, space))][std::string(line.substr(space + 1))];
    }
  });
  return files;
}

// Writes as the agent writes all files: atomic, durable, with the attributes of the replaced file.
class Files {
 public:
  Files() : names_(accounts_), walker_(::geteuid() == 0), writer_(walker_, names_, {}) {}
  void write(const std::string& path, const std::string& text, std::optional<std::uint32_t> mode = {}) {
    writer_.perform(WriteFile{.path = path, .content = text, .mode = mode});
  }
  void remove(const std::string& path) { writer_.perform(RemovePath{path, false}); }

 private:
  LocalAccounts accounts_;
  OwnerNames names_;
  Walker walker_;
  FileWriter writer_;
};

// Locks accounts against other programs as long as this lives. lckpwdf(3) waits for 15 s.
class AccountsLock {
 public:
  explicit AccountsLock(const std::string& etc) : locked_(etc == "/etc") {
    if (locked_ && ::lckpwdf() != 0)
      throw Error("another program changes accounts, and does not end: /etc/.pwd.lock is locked");
  }
  ~AccountsLock() {
    if (locked_) ::ulckpwdf();
  }
  AccountsLock(const AccountsLock&) = delete;
  AccountsLock& operator=(const AccountsLock&) = delete;

 private:
  bool locked_;
};

// passwd.lock, passwd+ and passwd.1234 of a killed program. While the accounts are locked they are stale; if
// another process had that process's id, the next program would wait for it.
void remove_leftovers(const std::string& etc, Files& files) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(etc.c_str()), ::closedir);
  std::vector<std::string> found;
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    for (const AccountFile& file : account_files) {
      if (!name.starts_with(file.name)) continue;
      const std::string_view rest = name.substr(std::string_view(file.name).size());
      const bool number =
          rest.size() > 1 && rest[0] == '.' && rest.find_first_not_of("0123456789", 1) == rest.npos;
      if (rest == ".lock" || rest == "+" || number) found.emplace_back(name);
    }
  }
  for (const std::string& name : found) files.remove(etc + "/" + name);
}

// A line of group(5) or gshadow(5) without the member in its last field.
std::string without(const std::string& line, const std::string& member) {
  const auto list = line.rfind(':') + 1;
  std::string members;
  for (std::string_view rest = std::string_view(line).substr(list); !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (one != member) members += (members.empty() ? "" : ",") + std::string(one);
  }
  return line.substr(0, list) + members;
}

std::string password_of(const KeptLines& shadow, const std::string& user) {
  const auto found = shadow.find(user);
  if (found == shadow.end() || found->second.empty()) return "";
  const std::string& line = found->second.front();
  const auto begin = std::min(line.find(':'), line.size() - 1) + 1;
  return line.substr(begin, line.find(':', begin) - begin);
}

}  // namespace

std::string read_account_text(const std::string& path, int flags) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file && errno == ENOENT) return {};
  if (!file) throw system_error("reading " + path, errno);
  std::string text;
  char block[16384];
  for (ssize_t n; (n = ::read(file.get(), block, sizeof block)) != 0;) {
    if (n < 0 && errno != EINTR) throw system_error("reading " + path, errno);
    text.append(block, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  }
  return text;
}

std::string with_lines(const std::string& text, const KeptLines& kept) {
  std::string result;
  std::set<std::string> placed;
  const auto place = [&](const std::string& name) {
    if (placed.insert(name).second)
      for (const std::string& line : kept.at(name)) result += line + "\n";
  };
  each_line(text, [&](std::string_view line) {
    const std::string name = first_field(line);
    if (kept.contains(name))
      place(name);
    else
      result.append(line).append("\n");
  });
  for (const auto& [name, lines] : kept) place(name);
  return result;
}

KeptLines AccountChange::before(const std::string& file) const {
  if (!there(mark())) return {};
  const auto files = parse(read_account_text(open_path(), O_NOFOLLOW));
  const auto found = files.find(file);
  return found == files.end() ? KeptLines{} : found->second;
}

void AccountChange::begin(const AccountNames& names) const {
  std::map<std::string, KeptLines> open, secret;
  for (const AccountFile& file : account_files) {
    const std::string at = etc_ + "/" + file.name;
    if (there(at))
      (file.secret ? secret : open)[file.name] =
          lines_of(read_account_text(at, O_NOFOLLOW), file.of_users ? names.users : names.groups);
  }
  Files files;
  files.write(open_path(), to_text(open), 0644);
  files.write(mark(), to_text(secret), 0600);
}

void AccountChange::put_group_back(const std::string& group, const std::string& without_member) const {
  const AccountsLock lock(etc_);
  auto kept = parse(read_account_text(open_path(), O_NOFOLLOW));
  kept.merge(parse(read_account_text(mark(), O_NOFOLLOW)));
  Files files;
  for (const char* name : {"gshadow", "group"}) {
    const std::string at = etc_ + "/" + name;
    const auto of_file = kept.find(name);
    const auto lines = of_file == kept.end() ? KeptLines::iterator() : of_file->second.find(group);
    if (of_file == kept.end() || lines == of_file->second.end() || !there(at)) continue;
    KeptLines wanted{*lines};
    for (std::string& line : wanted.begin()->second) line = without(line, without_member);
    const std::string text = read_account_text(at, O_NOFOLLOW);
    if (const std::string put = with_lines(text, wanted); put != text) files.write(at, put);
  }
}

void AccountChange::end() const {
  Files files;
  files.remove(mark());
  files.remove(open_path());
}

bool AccountChange::has_password_set_since(const std::map<std::string, KeptLines>& kept) const {
  const auto shadow = kept.find("shadow");
  if (shadow == kept.end()) return false;
  std::vector<std::string> users;
  for (const auto& [user, lines] : shadow->second) users.push_back(user);
  const KeptLines now = lines_of(read_account_text(etc_ + "/shadow", O_NOFOLLOW), users);
  return std::any_of(users.begin(), users.end(), [&](const std::string& user) {
    const std::string password = password_of(now, user);
    return !password.empty() && password != "x" && password[0] != '!' && password[0] != '*' &&
           password != password_of(shadow->second, user);
  });
}

void AccountChange::revert() const {
  if (!there(mark())) {
    if (there(open_path())) Files().remove(open_path());
    return;
  }
  const AccountsLock lock(etc_);
  auto kept = parse(read_account_text(open_path(), O_NOFOLLOW));
  kept.merge(parse(read_account_text(mark(), O_NOFOLLOW)));
  Files files;
  if (!has_password_set_since(kept))
    for (const AccountFile& file : account_files) {
      const auto lines = kept.find(file.name);
      const std::string at = etc_ + "/" + file.name;
      if (lines == kept.end() || !there(at)) continue;
      const std::string text = read_account_text(at, O_NOFOLLOW);
      if (std::string wanted = with_lines(text, lines->second); wanted != text) files.write(at, wanted);
    }
  remove_leftovers(etc_, files);
  end();
}

}  // namespace mlops
