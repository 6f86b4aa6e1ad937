#include "domains/files/capture.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <map>
#include <memory>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/timespec.hpp"
#include "domains/files/extended_attributes.hpp"
#include "domains/files/paths.hpp"

namespace mlops {
namespace {

using Kind = SavedPath::Kind;

constexpr std::size_t depth_limit = 200;  // each has a descriptor open

Kind kind_of(mode_t mode) {
  return S_ISREG(mode) ? Kind::file : S_ISDIR(mode) ? Kind::folder : S_ISLNK(mode) ? Kind::link : Kind::other;
}

std::string read_link(int fd, const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(fd, "", target.data(), target.size());
  if (length < 0) throw system_error("cannot read the link " + path, errno);
  target.resize(static_cast<std::size_t>(length));
  return target;
}

std::string read_all(int fd, std::size_t size, const std::string& path) {
  std::string content(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::read(fd, content.data() + have, size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot read " + path, errno);
    if (n == 0) break;  // it was truncated just now
    have += static_cast<std::size_t>(n);
  }
  content.resize(have);
  return content;
}

class Capture {
 public:
  Capture(const OwnerNames& names, const CaptureLimits& limits, const KeepContent& keep)
      : names_(names), limits_(limits), keep_(keep) {}

  // Returns what was added.
  SavedPath add(int folder, const std::string& name, const std::string& path, std::size_t depth = 0) {
    SavedPath saved{.path = path};
    const Handle entry(::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct ::stat status {};
    // An action on such a name fails by itself.
    if (!entry && errno != ENOENT && errno != ENAMETOOLONG) throw system_error("cannot look at " + path, errno);
    if (entry) {
      if (::fstat(entry.get(), &status) != 0) throw system_error("cannot look at " + path, errno);
      if (!keep_) saved.inode = status.st_ino;
      describe(entry.get(), status, saved);
      if (saved.kind == Kind::file && status.st_nlink > 1) note_names(folder, name, status, depth, saved);
      if (saved.kind == Kind::file && keep_) keep_content(entry.get(), saved);
      if (saved.kind == Kind::other && keep_) not_kept(path + " is a device, a socket or a named pipe");
    }
    found_.paths.push_back(saved);
    return saved;
  }

  void add_tree(int folder, const std::string& name, const std::string& path, std::size_t depth = 0) {
    if (depth > depth_limit) return not_kept("there are too many folders in folders");
    const SavedPath added = add(folder, name, path, depth);
    if (keep_) need_owner(added);
    if (added.kind != Kind::folder || !found_.not_kept.empty()) return;
    const int fd = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(fd < 0 ? nullptr : ::fdopendir(fd), ::closedir);
    if (!entries && errno == EACCES) return not_kept(path + " cannot be read");
    if (!entries) throw system_error("cannot list " + path, errno);
    std::vector<std::string> below;
    while (const dirent* entry = ::readdir(entries.get()))
      if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
        below.emplace_back(entry->d_name);
    std::sort(below.begin(), below.end());
    for (const std::string& one : below) {
      if (found_.paths.size() >= limits_.entries)
        not_kept(fmt::format("there are more than {} files in it", limits_.entries));
      if (!found_.not_kept.empty()) return;
      add_tree(fd, one, join_path(path, one), depth + 1);
    }
  }

  Captured take() {
    // An incomplete list is of no use.
    if (!found_.not_kept.empty() && found_.paths.size() > 1) found_.paths.resize(1);
    for (SavedPath& saved : found_.paths)
      if (const auto known = names_of_.find(saved.inode); known != names_of_.end() && saved.hard_link.empty())
        saved.other_names = known->second.links - known->second.found;
    return std::move(found_);
  }

 private:
  void not_kept(std::string why) {
    if (found_.not_kept.empty()) found_.not_kept = std::move(why);
  }

  // Only root can change an owner.
  void need_owner(const SavedPath& saved) {
    if (::geteuid() == 0 || saved.kind == Kind::absent) return;
    if (names_.uid(saved.owner) != ::geteuid())
      not_kept(fmt::format("{} belongs to {}", saved.path, saved.owner));
    const auto gid = names_.gid(saved.group);
    if (!gid || !::group_member(*gid))
      not_kept(fmt::format("{} belongs to the group {}", saved.path, saved.group));
  }

  // Records another path of the same file: one captured already or, for the top path, one in the same folder.
  void note_names(int folder, const std::string& name, const struct ::stat& status, std::size_t depth,
                  SavedPath& saved) {
    saved.inode = status.st_ino;
    auto [known, first] = names_of_.try_emplace(status.st_ino, Names{saved.path, status.st_nlink, 0});
    ++known->second.found;
    if (!first) {
      saved.hard_link = known->second.path;
    } else if (depth == 0) {
      const std::string other = other_name(folder, name, status);
      if (!other.empty()) saved.hard_link = join_path(folder_of(saved.path), other);
    }
  }

  static std::string other_name(int folder, const std::string& name, const struct ::stat& status) {
    const int fd = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(fd < 0 ? nullptr : ::fdopendir(fd), ::closedir);
    while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
      struct ::stat other {};
      if (name != entry->d_name && ::fstatat(folder, entry->d_name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
          other.st_dev == status.st_dev && other.st_ino == status.st_ino)
        return entry->d_name;
    }
    return "";
  }

  void describe(int entry, const struct ::stat& status, SavedPath& saved) const {
    saved.kind = kind_of(status.st_mode);
    saved.mode = status.st_mode & 07777;
    saved.owner = names_.user(status.st_uid);
    saved.group = names_.group(status.st_gid);
    saved.accessed_ns = nanoseconds(status.st_atim);
    saved.modified_ns = nanoseconds(status.st_mtim);
    if (saved.kind == Kind::file) saved.size = static_cast<std::uint64_t>(status.st_size);
    if (saved.kind == Kind::link)
      saved.target = read_link(entry, saved.path);
    else
      saved.attributes = read_attributes(self_path(entry));
  }

  void keep_content(int entry, SavedPath& saved) {
    if (saved.size > limits_.bytes - bytes_)
      return not_kept(fmt::format("{:.0f} MB are more than {:.0f} MB",
                                  static_cast<double>(saved.size + bytes_) / 1e6,
                                  static_cast<double>(limits_.bytes) / 1e6));
    bytes_ += saved.size;
    const std::string self = self_path(entry);
    constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    Handle file(::open(self.c_str(), flags | O_NOATIME));
    if (!file && errno == EPERM) file = Handle(::open(self.c_str(), flags));
    if (!file && errno == EACCES) return not_kept(saved.path + " cannot be read");
    if (!file) throw system_error("cannot read " + saved.path, errno);
    const std::string content = read_all(file.get(), static_cast<std::size_t>(saved.size), saved.path);
    saved.size = content.size();
    saved.digest = keep_(content);
  }

  const OwnerNames& names_;
  CaptureLimits limits_;
  const KeepContent& keep_;
  std::uint64_t bytes_ = 0;
  struct Names {
    std::string path;  // the first that was captured
    std::uint64_t links = 0, found = 0;
  };
  std::map<std::uint64_t, Names> names_of_;  // of files with hard links, by inode: a tree is of one file system
  Captured found_;
};

}  // namespace

Captured capture_path(Walker& walker, const OwnerNames& names, const std::string& path,
                      const CaptureLimits& limits, const KeepContent& keep) {
  const auto place = walker.place(path);
  if (!place) return {{SavedPath{.path = path}}, ""};
  Capture capture(names, limits, keep);
  capture.add(place->folder, place->name, path);
  return capture.take();
}

SavedPath capture_attributes(Walker& walker, const OwnerNames& names, const std::string& path) {
  return capture_path(walker, names, path, {}, {}).paths.front();
}

Captured capture_tree(Walker& walker, const OwnerNames& names, const std::string& path,
                      const CaptureLimits& limits, const KeepContent& keep) {
  const auto place = walker.place(path);
  if (!place) return {{SavedPath{.path = path}}, ""};
  Capture capture(names, limits, keep);
  capture.add_tree(place->folder, place->name, path);
  return capture.take();
}

}  // namespace mlops
