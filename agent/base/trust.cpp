#include "base/trust.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "base/path_parts.hpp"

namespace mlops {
namespace {

// Most calls do not accept O_PATH descriptors, but do accept their names in /proc.
std::string name_of(int opened) { return fmt::format("/proc/self/fd/{}", opened); }

std::string user_name(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry ? entry->pw_name : fmt::format("uid {}", uid);
}

// A group with the caller's name and no other user in it: neither as a member, nor with it as the primary
// group.
bool is_private_group(gid_t gid, uid_t caller) {
  const passwd* account = ::getpwuid(caller);
  if (!account) return false;
  const std::string name = account->pw_name;
  const group* entry = ::getgrgid(gid);
  if (!entry || name != entry->gr_name) return false;
  for (char** member = entry->gr_mem; *member; ++member)
    if (name != *member) return false;
  bool alone = true;
  ::setpwent();
  while (const passwd* other = ::getpwent()) alone = alone && (other->pw_gid != gid || other->pw_uid == caller);
  ::endpwent();
  return alone;
}

bool is_trusted_group(gid_t gid, uid_t caller) {
  if (is_private_group(gid, caller)) return true;
  const group* entry = ::getgrgid(gid);
  return gid == 0 &&
         (!entry || !*entry->gr_mem || (std::strcmp(*entry->gr_mem, "root") == 0 && !entry->gr_mem[1]));
}

// The users and groups that the access list lets write besides the owner, the group and others: "the user ada".
// acl(5); the attribute's format is in linux/posix_acl_xattr.h.
std::string writer_of_list(int opened, uid_t caller) {
  struct Entry {
    std::uint16_t tag, permissions;
    std::uint32_t id;
  };
  constexpr std::uint16_t user = 0x02, group = 0x08, mask = 0x10, write = 0x02;
  char buffer[4096];
  const ssize_t size = ::getxattr(name_of(opened).c_str(), "system.posix_acl_access", buffer, sizeof buffer);
  if (size < static_cast<ssize_t>(sizeof(std::uint32_t))) return "";
  std::vector<Entry> entries((static_cast<std::size_t>(size) - sizeof(std::uint32_t)) / sizeof(Entry));
  std::memcpy(entries.data(), buffer + sizeof(std::uint32_t), entries.size() * sizeof(Entry));
  std::uint16_t masked = write;
  for (const Entry& e : entries)
    if (e.tag == mask) masked = e.permissions;
  for (const Entry& e : entries) {
    if (!(e.permissions & masked & write)) continue;
    if (e.tag == user && e.id != 0 && e.id != caller) return "the user " + user_name(e.id);
    if (e.tag == group && !is_trusted_group(e.id, caller)) {
      const ::group* entry = ::getgrgid(e.id);
      return "the group " + (entry ? std::string(entry->gr_name) : fmt::format("gid {}", e.id));
    }
  }
  return "";
}

// How a sticky folder that others may write to is judged: an existing entry is safe, one yet to be created is
// not.
enum class Sticky { safe, open };

// The problem with one step; "" for none.
std::string wrong_with(const std::string& path, int opened, const struct stat& status, uid_t caller,
                       Sticky sticky) {
  if (status.st_uid != 0 && status.st_uid != caller)
    return fmt::format("{} belongs to {}", path, user_name(status.st_uid));
  if (S_ISLNK(status.st_mode)) return "";  // its mode is meaningless
  const mode_t mode = status.st_mode & 07777;
  if (sticky == Sticky::safe && S_ISDIR(status.st_mode) && (mode & S_ISVTX)) return "";
  if (mode & S_IWOTH) return fmt::format("{} is writable by everyone (mode {:04o})", path, mode);
  if (!(mode & S_IWGRP)) return "";
  if (const std::string writer = writer_of_list(opened, caller); !writer.empty())
    return fmt::format("{} is writable by {} (its access list)", path, writer);
  if (is_trusted_group(status.st_gid, caller)) return "";
  const group* entry = ::getgrgid(status.st_gid);
  return fmt::format("{} is writable by the group {} (mode {:04o})", path,
                     entry ? entry->gr_name : std::to_string(status.st_gid), mode);
}

std::string target_of(int link) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlinkat(link, "", target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return target;
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  const std::unique_ptr<char, void (*)(void*)> folder(::getcwd(nullptr, 0), std::free);
  return std::string(folder ? folder.get() : "") + "/" + path;
}

bool is_in_proc(int folder) {
  struct statfs system {};
  return ::fstatfs(folder, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

constexpr int step_flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

// One walk from the root folder.
class Judging {
 public:
  // last: how a sticky folder is judged at the end of the path, or of its existing part.
  Judging(const std::string& path, uid_t caller, Sticky last = Sticky::safe)
      : caller_(caller), last_(last), ahead_(path_parts(absolute(path))) {}

  JudgedFile go() {
    if (!stand_at_root()) return std::move(found_);
    while (!ahead_.empty() && step()) {
    }
    if (found_.wrong.empty()) take_opened();
    if (found_.wrong.empty() && found_.entry) judge_last();
    return std::move(found_);
  }

 private:
  bool fails(int error) {
    found_.entry = Handle();
    found_.error = error;
    return false;
  }
  bool stand_at_root() {
    shown_.clear();
    found_.entry = Handle(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return found_.entry ? judge("/", found_.entry.get()) : fails(errno);
  }
  // For the current entry; false if it is not trusted.
  bool judge(const std::string& path, int entry, Sticky sticky = Sticky::safe) {
    if (::fstat(entry, &status_) != 0) return fails(errno);
    found_.wrong = wrong_with(path, entry, status_, caller_, sticky);
    if (found_.wrong.empty()) return true;
    return fails(EPERM);
  }
  bool judge_last() {
    return last_ == Sticky::safe || judge(shown_.empty() ? "/" : shown_, found_.entry.get(), last_);
  }
  bool step() {
    const std::string part = std::move(ahead_.front());
    ahead_.pop_front();
    if (part == ".") return true;
    if (part == "..") {  // a folder that was judged on the way here
      shown_.resize(shown_.empty() ? 0 : shown_.rfind('/'));
      Handle above(::openat(found_.entry.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!above) return fails(errno);
      found_.entry = std::move(above);
      return true;
    }
    std::string next = shown_ + "/" + part;
    Handle entry(::openat(found_.entry.get(), part.c_str(), step_flags));
    if (!entry) {  // a missing or unreachable file is not read
      const int error = errno;
      return judge_last() && fails(error);
    }
    if (!judge(next, entry.get())) return false;
    if (S_ISLNK(status_.st_mode)) return follow(part, entry.get());
    found_.entry = std::move(entry);
    shown_ = std::move(next);
    return true;
  }
  bool follow(const std::string& part, int link) {
    if (++links_ > most_links) return fails(ELOOP);
    // /dev/stdin and the like: a descriptor that this process was given may have no name, or one that is now
    // another file's.
    if (ahead_.empty() && is_in_proc(found_.entry.get()))
      opened_ = Handle(::openat(found_.entry.get(), part.c_str(), O_PATH | O_CLOEXEC));
    const std::string target = target_of(link);
    const std::deque<std::string> more = path_parts(target);
    ahead_.insert(ahead_.begin(), more.begin(), more.end());
    return target.starts_with('/') ? stand_at_root() : true;
  }
  void take_opened() {
    struct stat named {
    }, opened{};
    if (!opened_ || ::fstat(opened_.get(), &opened) != 0) return;
    const bool same = found_.entry && ::fstat(found_.entry.get(), &named) == 0 &&
                      named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
    if (same) return;
    found_.entry = std::move(opened_);
    found_.error = 0;
    judge(shown_, found_.entry.get());
  }

  uid_t caller_;
  Sticky last_;
  std::deque<std::string> ahead_;
  JudgedFile found_;   // its entry: the current position of the walk
  std::string shown_;  // its path, with links resolved; "" for the root folder
  Handle opened_;      // the target of a link below /proc, whatever its text says
  struct stat status_ {};
  int links_ = 0;
};

}  // namespace

JudgedFile open_judged(const std::string& path, uid_t caller) { return Judging(path, caller).go(); }

JudgedFile open_unjudged(const std::string& path) {
  JudgedFile file{Handle(::open(path.c_str(), O_PATH | O_CLOEXEC)), 0, ""};
  if (!file.entry) file.error = errno;
  return file;
}

Handle open_for_reading(const JudgedFile& file) {
  return Handle(::open(name_of(file.entry.get()).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

std::optional<std::string> distrust(const std::string& path, uid_t caller) {
  std::string wrong = open_judged(path, caller).wrong;
  return wrong.empty() ? std::nullopt : std::optional(std::move(wrong));
}

std::optional<std::string> distrust_folder(const std::string& path) {
  std::string wrong = Judging(path, 0, Sticky::open).go().wrong;
  return wrong.empty() ? std::nullopt : std::optional(std::move(wrong));
}

}  // namespace mlops
