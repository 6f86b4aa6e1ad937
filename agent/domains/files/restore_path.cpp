// Restores the state of a path, with all its attributes.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/handle.hpp"
#include "domains/files/extended_attributes.hpp"
#include "domains/files/local.hpp"
#include "domains/files/paths.hpp"
#include "domains/files/placing.hpp"
#include "domains/files/remove_tree.hpp"
#include "domains/files/staged_file.hpp"

namespace mlops {
namespace {

timespec time_of(std::int64_t ns) {
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t rest = ((ns % second) + second) % second;
  return {.tv_sec = (ns - rest) / second, .tv_nsec = rest};
}

// With the former owner's attributes. fd is open, without O_PATH, and new: this process's.
void give(int fd, const SavedPath& saved, const OwnerNames& names) {
  const Owners owners = find_owners(names, saved.owner, saved.group);
  struct ::stat now {};
  if (::fstat(fd, &now) != 0) throw system_error("cannot look at " + saved.path, errno);
  if ((owners.user != now.st_uid || owners.group != now.st_gid) && ::fchown(fd, owners.user, owners.group) != 0)
    throw system_error("cannot give " + saved.path + " to its owner", errno);
  write_attributes(self_path(fd), saved.attributes);
  if (::fchmod(fd, saved.mode) != 0) throw system_error("cannot set the mode of " + saved.path, errno);
  const timespec times[2] = {time_of(saved.accessed_ns), time_of(saved.modified_ns)};
  if (::futimens(fd, times) != 0) throw system_error("cannot set the times of " + saved.path, errno);
}

Handle open_folder(int above, const std::string& name, const std::string& path) {
  Handle folder(::openat(above, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) throw system_error("cannot open the folder " + path, errno);
  return folder;
}

// Restores a folder's content through descriptors, never by path: folders stay this process's, and closed to
// others, until all of their content is complete.
class Tree {
 public:
  // top: the folder itself, new and empty.
  Tree(const SavedPath& saved, Handle top, const OwnerNames& names) : top_(saved), names_(names) {
    levels_.push_back({&saved, std::move(top)});
  }

  void add(const SavedBelow& one) {
    const SavedPath& saved = one.saved;
    while (levels_.size() > 1 && levels_.back().saved->path != folder_of(saved.path)) leave();
    if (levels_.back().saved->path != folder_of(saved.path))
      throw Error("the folder of " + saved.path + " does not exist");
    const int folder = levels_.back().folder.get();
    const std::string name(name_of(saved.path));
    switch (saved.kind) {
      case SavedPath::Kind::folder:
        if (::mkdirat(folder, name.c_str(), 0700) != 0)
          throw system_error("cannot make the folder " + saved.path, errno);
        levels_.push_back({&saved, open_folder(folder, name, saved.path)});
        break;
      case SavedPath::Kind::file:
        if (saved.hard_link.empty())
          make_file(folder, name, one);
        else
          link_to_earlier(folder, name, saved);
        break;
      case SavedPath::Kind::link:
        make_link(folder, name, saved);
        break;
      default:
        throw Error(saved.path + " cannot be made what it was");
    }
  }

  // Everything exists now.
  void finish() {
    while (levels_.size() > 1) leave();
    const int top = levels_.front().folder.get();
    give(top, top_, names_);
    if (::syncfs(top) != 0) throw system_error("cannot sync " + top_.path, errno);
  }

 private:
  struct Level {
    const SavedPath* saved;
    Handle folder;
  };

  void leave() {
    give(levels_.back().folder.get(), *levels_.back().saved, names_);
    levels_.pop_back();
  }
  void make_file(int folder, const std::string& name, const SavedBelow& one) {
    if (!one.content) throw Error("the earlier content of " + one.saved.path + " was not kept");
    const Handle file(
        ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) throw system_error("cannot make " + one.saved.path, errno);
    for (std::string_view rest = *one.content; !rest.empty();) {
      const ssize_t n = ::write(file.get(), rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw system_error("cannot write " + one.saved.path, errno);
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    give(file.get(), one.saved, names_);
  }
  void make_link(int folder, const std::string& name, const SavedPath& saved) const {
    const Owners owners = find_owners(names_, saved.owner, saved.group);
    const timespec times[2] = {time_of(saved.accessed_ns), time_of(saved.modified_ns)};
    struct ::stat now {};
    if (::symlinkat(saved.target.c_str(), folder, name.c_str()) != 0 ||
        ::fstatat(folder, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0)
      throw system_error("cannot make the link " + saved.path, errno);
    if (((owners.user != now.st_uid || owners.group != now.st_gid) &&
         ::fchownat(folder, name.c_str(), owners.user, owners.group, AT_SYMLINK_NOFOLLOW) != 0) ||
        ::utimensat(folder, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
      throw system_error("cannot give the link " + saved.path + " to its owner", errno);
  }
  void link_to_earlier(int folder, const std::string& name, const SavedPath& saved) const {
    if (!is_within(saved.hard_link, top_.path)) throw Error(saved.path + " cannot be made what it was");
    Handle opened;
    int at = levels_.front().folder.get();
    std::string_view rest = std::string_view(saved.hard_link).substr(top_.path.size() + 1);
    for (std::size_t slash; (slash = rest.find('/')) != rest.npos; rest.remove_prefix(slash + 1)) {
      opened = open_folder(at, std::string(rest.substr(0, slash)), saved.hard_link);
      at = opened.get();
    }
    if (::linkat(at, std::string(rest).c_str(), folder, name.c_str(), 0) != 0)
      throw system_error("cannot make " + saved.path + " the same file as " + saved.hard_link, errno);
  }

  const SavedPath& top_;
  const OwnerNames& names_;
  std::vector<Level> levels_;
};

}  // namespace

void FileWriter::perform(const RestorePath& action) {
  const SavedPath& saved = action.saved;
  const bool attributes_alone = saved.kind == SavedPath::Kind::file && saved.digest.empty() && saved.inode != 0;
  const auto place = walker_.place(saved.path);
  if (!place) throw Error("the folder of " + saved.path + " does not exist");
  struct ::stat now {};
  const bool there = ::fstatat(place->folder, place->name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
  if (!action.below.empty() && !there) return restore_tree(action, *place);
  switch (saved.kind) {
    case SavedPath::Kind::file:
      if (attributes_alone) {
        if (!there || !S_ISREG(now.st_mode)) throw Error(saved.path + " is not the file any more that it was");
        set_attributes({saved.path, saved.mode, saved.owner, saved.group},
                       now.st_ino == saved.inode ? Judged::before : Judged::here);
        break;
      }
      if (!saved.hard_link.empty() && link_again(saved, *place)) return;
      if (!action.content) throw Error("the earlier content of " + saved.path + " was not kept");
      write({saved.path, *action.content, saved.mode, saved.owner, saved.group, true}, Judged::before);
      break;
    case SavedPath::Kind::folder:
      if (there && S_ISDIR(now.st_mode))
        set_attributes({saved.path, saved.mode, saved.owner, saved.group},
                       saved.inode == 0 || now.st_ino == saved.inode ? Judged::before : Judged::here);
      else
        perform(CreateDirectory{saved.path, saved.mode, saved.owner, saved.group});
      break;
    case SavedPath::Kind::link:
      if (there && (S_ISLNK(now.st_mode) || S_ISREG(now.st_mode))) perform(RemovePath{saved.path});
      perform(CreateLink{saved.path, saved.target, saved.owner, saved.group});
      break;
    case SavedPath::Kind::absent:
    case SavedPath::Kind::other:
      throw Error(saved.path + " cannot be made what it was");
  }
  const Handle entry(::openat(place->folder, place->name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!entry) throw system_error("cannot open " + saved.path, errno);
  if (saved.kind != SavedPath::Kind::link) write_attributes(self_path(entry.get()), saved.attributes);
  const timespec times[2] = {time_of(saved.accessed_ns), time_of(saved.modified_ns)};
  if (::utimensat(place->folder, place->name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    throw system_error("cannot set the times of " + saved.path, errno);
  if (action.below.empty()) return;
  // Into a folder that somebody has created since.
  for (const SavedBelow& one : action.below) perform(RestorePath{one.saved, one.content});
  // Once more, from the bottom up: adding content changed the folders' times.
  for (auto one = action.below.rbegin(); one != action.below.rend(); ++one)
    if (one->saved.kind == SavedPath::Kind::folder) perform(RestorePath{one->saved, {}});
  perform(RestorePath{saved, {}});
}

// Beside its place, so that a killed run or a failure leaves nothing there.
void FileWriter::restore_tree(const RestorePath& action, const Walker::Place& place) {
  const std::string& path = action.saved.path;
  const std::string name = temporary_name(place.name, "tree");
  remove_tree(place.folder, name, path, true);  // left by a killed run
  if (::mkdirat(place.folder, name.c_str(), 0700) != 0)
    throw system_error("cannot make the folder " + path, errno);
  try {
    Handle top = open_folder(place.folder, name, path);
    struct ::stat made {};
    if (::fstat(top.get(), &made) != 0) throw system_error("cannot look at the folder " + path, errno);
    if (made.st_uid != ::geteuid() || (made.st_mode & 0777) != 0700)
      throw Error("unsafe path: the folder that is to be " + path + " was exchanged", ErrorKind::unsafe_path);
    Tree tree(action.saved, std::move(top), names_);
    for (const SavedBelow& one : action.below) tree.add(one);
    tree.finish();
    struct ::stat still {};
    if (::fstatat(place.folder, name.c_str(), &still, AT_SYMLINK_NOFOLLOW) != 0 ||
        still.st_ino != made.st_ino || still.st_dev != made.st_dev)
      throw Error("unsafe path: the folder that is to be " + path + " was exchanged", ErrorKind::unsafe_path);
    if (!rename_to_absent(place.folder, name, place))
      throw system_error("cannot put " + path + " in place", errno);
  } catch (...) {
    try {
      remove_tree(place.folder, name, path, true);
    } catch (const Error&) {
      // The first failure is reported; the next run removes the rest.
    }
    throw;
  }
  sync_folder(place.folder, path);
  walker_.forget();
}

// Links to the other name if that is still the same file, or an equal one (mode, owner, group, content). False
// if it is neither, or inaccessible.
bool FileWriter::link_again(const SavedPath& saved, const Walker::Place& place) {
  const auto other = walker_.place(saved.hard_link);
  if (!other) return false;
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const Handle file(::openat(other->folder, other->name.c_str(), flags));
  struct ::stat now {};
  if (!file || ::fstat(file.get(), &now) != 0 || !S_ISREG(now.st_mode) ||
      static_cast<std::uint64_t>(now.st_size) != saved.size)
    return false;
  const bool alike = (now.st_mode & 07777) == saved.mode && names_.user(now.st_uid) == saved.owner &&
                     names_.group(now.st_gid) == saved.group;
  if ((now.st_ino != saved.inode && !alike) || sha256_hex(file.get()) != saved.digest) return false;
  const std::string name = temporary_name(place.name);
  ::unlinkat(place.folder, name.c_str(), 0);
  if (::linkat(AT_FDCWD, self_path(file.get()).c_str(), place.folder, name.c_str(), AT_SYMLINK_FOLLOW) != 0)
    return false;
  const bool placed = ::renameat(place.folder, name.c_str(), place.folder, place.name.c_str()) == 0;
  ::unlinkat(place.folder, name.c_str(), 0);  // rename(2) does nothing between two names of one file
  if (!placed) return false;
  sync_folder(place.folder, saved.path);
  return true;
}

}  // namespace mlops
