#include "domains/accounts/local.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>

#include "base/timespec.hpp"

namespace mlops {
namespace {

// The sources of one database of nsswitch.conf(5) other than the files: "files systemd" has one.
bool has_services(std::string_view conf, std::string_view database) {
  for (std::size_t at = 0; at < conf.size();) {
    const std::size_t end = std::min(conf.find('\n', at), conf.size());
    std::string_view line = conf.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(database)) continue;
    line.remove_prefix(database.size());
    line = line.substr(0, line.find('#'));
    while (!line.empty()) {
      const std::size_t start = line.find_first_not_of(" \t");
      if (start == std::string_view::npos) return false;
      line.remove_prefix(start);
      const std::string_view word = line.substr(0, line.find_first_of(" \t"));
      if (word != "files" && word != "compat") return true;
      line.remove_prefix(word.size());
    }
    return false;
  }
  return false;
}

// Calls one of the get…_r functions with a large enough buffer. Any failure is "not found": an unavailable name
// service must not keep local accounts from being managed.
template <class Entry, class Call>
bool ask(Entry& entry, std::vector<char>& buffer, Call call) {
  buffer.resize(4096);
  for (;;) {
    Entry* found = nullptr;
    const int error = call(&entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE && buffer.size() < (16u << 20)) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    return found != nullptr;
  }
}

std::string group_name(gid_t gid) {
  struct group entry;
  std::vector<char> buffer;
  const bool found = ask(entry, buffer, [&](auto... rest) { return ::getgrgid_r(gid, rest...); });
  return found ? entry.gr_name : std::to_string(gid);
}

UserAccount from(const struct passwd& p) {
  UserAccount u{p.pw_name, p.pw_uid, group_name(p.pw_gid), p.pw_gecos, p.pw_dir, p.pw_shell, {}};
  std::vector<gid_t> gids(64);
  int count = static_cast<int>(gids.size());
  if (::getgrouplist(p.pw_name, p.pw_gid, gids.data(), &count) < 0) {
    gids.resize(static_cast<std::size_t>(count));
    ::getgrouplist(p.pw_name, p.pw_gid, gids.data(), &count);
  }
  gids.resize(std::min(gids.size(), static_cast<std::size_t>(count)));
  for (const gid_t gid : gids)
    if (gid != p.pw_gid) u.groups.push_back(group_name(gid));
  std::sort(u.groups.begin(), u.groups.end());
  return u;
}

GroupAccount from(const struct group& g) {
  GroupAccount account{g.gr_name, g.gr_gid, {}};
  for (char** member = g.gr_mem; *member; ++member) account.members.emplace_back(*member);
  std::sort(account.members.begin(), account.members.end());
  return account;
}

template <class Call>
std::optional<UserAccount> ask_user(Call call) {
  struct passwd entry;
  std::vector<char> buffer;
  if (!ask(entry, buffer, call)) return {};
  return from(entry);
}

template <class Call>
std::optional<GroupAccount> ask_group(Call call) {
  struct group entry;
  std::vector<char> buffer;
  if (!ask(entry, buffer, call)) return {};
  return from(entry);
}

}  // namespace

LocalAccounts::LocalAccounts(std::string etc) : etc_(std::move(etc)), change_(etc_) {
  if (etc_ != "/etc") return;
  const std::string conf = read_account_text(etc_ + "/nsswitch.conf");
  services_ = has_services(conf, "passwd:") || has_services(conf, "group:");
}

LocalAccounts::Stamp LocalAccounts::stamp(const std::string& path) {
  struct stat s;
  if (::stat(path.c_str(), &s) != 0) return {};
  return {s.st_dev, s.st_ino, s.st_size, nanoseconds(s.st_mtim), nanoseconds(s.st_ctim)};
}

const AccountFiles& LocalAccounts::files() const {
  const std::string passwd_path = etc_ + "/passwd", group_path = etc_ + "/group";
  const Stamp passwd = stamp(passwd_path), group = stamp(group_path), interrupted = stamp(change_.mark());
  if (passwd.size >= 0 && passwd == passwd_ && group == group_ && interrupted == interrupted_) return files_;
  users_before_ = change_.before("passwd");
  groups_before_ = change_.before("group");
  const auto text = [](const std::string& path, const KeptLines& before) {
    return before.empty() ? read_account_text(path) : with_lines(read_account_text(path), before);
  };
  files_ = AccountFiles(text(passwd_path, users_before_), text(group_path, groups_before_));
  interrupted_ = interrupted;
  passwd_ = passwd;
  group_ = group;
  return files_;
}

std::optional<UserAccount> LocalAccounts::user(const std::string& name) const {
  if (const UserAccount* found = files().user(name)) return *found;
  if (!services_ || users_before_.contains(name)) return {};
  return ask_user([&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
}

std::optional<GroupAccount> LocalAccounts::group(const std::string& name) const {
  if (const GroupAccount* found = files().group(name)) return *found;
  if (!services_ || groups_before_.contains(name)) return {};
  return ask_group([&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); });
}

std::optional<UserAccount> LocalAccounts::user_by_uid(std::uint32_t uid) const {
  if (const UserAccount* found = files().user(uid)) return *found;
  if (!services_) return {};
  const auto found = ask_user([&](auto... rest) { return ::getpwuid_r(uid, rest...); });
  return found && users_before_.contains(found->name) ? std::nullopt : found;
}

std::optional<GroupAccount> LocalAccounts::group_by_gid(std::uint32_t gid) const {
  if (const GroupAccount* found = files().group(gid)) return *found;
  if (!services_) return {};
  const auto found = ask_group([&](auto... rest) { return ::getgrgid_r(gid, rest...); });
  return found && groups_before_.contains(found->name) ? std::nullopt : found;
}

std::vector<std::string> LocalAccounts::primary_users(const std::string& group) const {
  std::vector<std::string> names;
  for (const UserAccount& user : files().users())
    if (user.group == group) names.push_back(user.name);
  return names;
}

}  // namespace mlops
