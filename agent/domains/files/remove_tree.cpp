#include "domains/files/remove_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/handle.hpp"

namespace mlops {
namespace {

struct Entry {
  bool folder = false, mount = false;
};

std::optional<Entry> look(int folder, const std::string& name, const std::string& path) {
  struct statx found {};
  if (::statx(folder, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &found) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw system_error("cannot look at " + path, errno);
  }
  // A bind mount has its source's device: only the attribute shows it (Linux 5.8).
  return Entry{S_ISDIR(found.stx_mode), (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0};
}

std::vector<std::string> names_in(int folder, const std::string& path) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(copy < 0 ? nullptr : ::fdopendir(copy), ::closedir);
  if (!entries) throw system_error("cannot list " + path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries.get()))
    if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
      names.emplace_back(entry->d_name);
  return names;
}

// Walks a tree with one descriptor, as fts(3) does: up again by "..", which must be the folder that it came
// from.
class Walk {
 public:
  enum class For { finding_mounts, removing };
  Walk(int folder, std::string path, For purpose) : top_(folder), path_(std::move(path)), purpose_(purpose) {}

  void run(const std::string& name) {
    enter(top_, name);
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.names.empty()) {
        leave();
        continue;
      }
      const std::string next = std::move(level.names.back());
      level.names.pop_back();
      const std::string full = path_ + "/" + next;
      const auto entry = look(at_.get(), next, full);
      if (!entry) continue;
      if (entry->mount) throw Error(full + " is a mount of its own; what is around it is not removed");
      if (entry->folder) {
        path_ = full;
        enter(at_.get(), next);
      } else if (purpose_ == For::removing && ::unlinkat(at_.get(), next.c_str(), 0) != 0 && errno != ENOENT) {
        throw system_error("cannot remove " + full, errno);
      }
    }
  }

 private:
  struct Level {
    std::string name;
    std::vector<std::string> names;  // still to be removed
    dev_t device;
    ino_t inode;
  };
  void enter(int above, const std::string& name) {
    Handle folder(::openat(above, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct ::stat status {};
    if (!folder || ::fstat(folder.get(), &status) != 0)
      throw system_error("cannot open the folder " + path_, errno);
    levels_.push_back({name, names_in(folder.get(), path_), status.st_dev, status.st_ino});
    at_ = std::move(folder);
  }
  void leave() {
    const std::string name = std::move(levels_.back().name);
    levels_.pop_back();
    Handle above;
    if (!levels_.empty()) {
      above = Handle(::openat(at_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      struct ::stat status {};
      if (!above || ::fstat(above.get(), &status) != 0) throw system_error("cannot go up from " + path_, errno);
      if (status.st_dev != levels_.back().device || status.st_ino != levels_.back().inode)
        throw Error(path_ + " was moved while it was removed", ErrorKind::unsafe_path);
    }
    const int from = levels_.empty() ? top_ : above.get();
    if (purpose_ == For::removing && ::unlinkat(from, name.c_str(), AT_REMOVEDIR) != 0)
      throw system_error("cannot remove the folder " + path_, errno);
    at_ = std::move(above);
    path_.resize(path_.size() - (levels_.empty() ? 0 : name.size() + 1));
  }

  int top_;
  std::string path_;
  For purpose_;
  Handle at_;
  std::vector<Level> levels_;
};

}  // namespace

void remove_tree(int folder, const std::string& name, const std::string& path, bool recursive) {
  const auto entry = look(folder, name, path);
  if (!entry) return;
  if (name == "." || entry->mount) throw Error(path + " is a mount of its own; it is not removed");
  if (!entry->folder) {
    if (::unlinkat(folder, name.c_str(), 0) != 0) throw system_error("cannot remove " + path, errno);
  } else if (recursive) {
    Walk(folder, path, Walk::For::finding_mounts).run(name);
    Walk(folder, path, Walk::For::removing).run(name);
  } else if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST)
      throw Error("the folder " + path + " is not empty; it is not removed");
    throw system_error("cannot remove the folder " + path, errno);
  }
}

}  // namespace mlops
