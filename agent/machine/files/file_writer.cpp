// Performing the file actions: beside the final place first, then one rename (Puppet's replace_file does the same).
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstdio>
#include <map>

#include "machine/files/handle.hpp"
#include "machine/files/local_files.hpp"

namespace mlops {
namespace {

constexpr std::uint32_t new_file_mode = 0644, new_folder_mode = 0755;
constexpr std::size_t name_limit = 255;  // NAME_MAX

// The folder again, opened so that it can be synced and listed.
Handle open_folder(int folder, const char* name, const std::string& path) {
  Handle handle(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!handle) throw system_error("cannot open the folder " + path, errno);
  return handle;
}

void sync_folder(int folder, const std::string& path) {
  const Handle handle = open_folder(folder, ".", path);
  if (::fsync(handle.get()) != 0) throw system_error("cannot sync the folder of " + path, errno);
}

Walker::Place need(std::optional<Walker::Place> place, const std::string& path) {
  if (!place) throw Error("the folder of " + path + " does not exist");
  return std::move(*place);
}

struct Owners {
  uid_t user = static_cast<uid_t>(-1);  // as fchown(2): unchanged
  gid_t group = static_cast<gid_t>(-1);
};

Owners owners(OwnerNames& names, const std::string& owner, const std::string& group) {
  Owners o;
  if (!owner.empty()) {
    const auto uid = names.uid(owner);
    if (!uid) throw Error("user `" + owner + "` does not exist", ErrorKind::unavailable);
    o.user = *uid;
  }
  if (!group.empty()) {
    const auto gid = names.gid(group);
    if (!gid) throw Error("group `" + group + "` does not exist", ErrorKind::unavailable);
    o.group = *gid;
  }
  return o;
}

void write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot write " + path, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Extended attributes, POSIX ACLs among them, from the file that is replaced. Those that this identity may not set
// or that the file system does not have are left out.
void copy_attributes(int from, int to) {
  std::string names(64 << 10, '\0');
  const ssize_t length = ::flistxattr(from, names.data(), names.size());
  if (length <= 0) return;
  std::string value(64 << 10, '\0');
  for (const char* name = names.data(); name < names.data() + length; name += std::char_traits<char>::length(name) + 1) {
    const ssize_t size = ::fgetxattr(from, name, value.data(), value.size());
    if (size >= 0) static_cast<void>(::fsetxattr(to, name, value.data(), static_cast<std::size_t>(size), 0));
  }
}

// A new file under its temporary name; removed again unless it was put in place.
struct Staged {
  Walker::Place place;
  std::string temporary, path;
  Handle file;
  dev_t device = 0;
  bool placed = false;

  Staged() = default;
  Staged(Staged&& other) noexcept { *this = std::move(other); }
  Staged& operator=(Staged&& other) noexcept {
    std::swap(place, other.place);
    std::swap(temporary, other.temporary);
    std::swap(path, other.path);
    std::swap(file, other.file);
    std::swap(device, other.device);
    std::swap(placed, other.placed);
    return *this;
  }
  ~Staged() {
    if (file && !placed) ::unlinkat(place.folder, temporary.c_str(), 0);
  }
};

Handle create_temporary(const Walker::Place& place, const std::string& name, const std::string& path) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const int fd = ::openat(place.folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) return Handle(fd);
    if (errno != EEXIST) break;
    struct ::stat stale {};  // what a killed run left; nobody else's
    if (::fstatat(place.folder, name.c_str(), &stale, AT_SYMLINK_NOFOLLOW) == 0 &&
        (!S_ISREG(stale.st_mode) || stale.st_uid != ::geteuid()))
      throw Error(fmt::format("{} is in the way of writing {}, and is not ours", name, path));
    ::unlinkat(place.folder, name.c_str(), 0);
  }
  throw system_error("cannot write beside " + path, errno);
}

Staged stage(const WriteFile& action, Walker& walker, OwnerNames& names) {
  Staged staged;
  staged.path = action.path;
  staged.place = need(action.replace_link ? walker.place(action.path) : walker.target_place(action.path), action.path);
  const Owners wanted = owners(names, action.owner, action.group);

  struct ::stat now {};
  const bool exists = ::fstatat(staged.place.folder, staged.place.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
  if (!exists && errno != ENOENT) throw system_error("cannot look at " + action.path, errno);
  const bool replaces = exists && S_ISREG(now.st_mode);
  if (exists && !replaces && !(action.replace_link && S_ISLNK(now.st_mode)))
    throw Error(action.path + " is " + (S_ISDIR(now.st_mode) ? "a folder" : "no regular file") + "; it is not replaced");

  staged.temporary = temporary_name(staged.place.name);
  staged.file = create_temporary(staged.place, staged.temporary, action.path);
  const int fd = staged.file.get();
  write_all(fd, action.content, action.path);
  struct ::stat fresh {};
  ::fstat(fd, &fresh);
  staged.device = fresh.st_dev;
  const uid_t uid = wanted.user != static_cast<uid_t>(-1) ? wanted.user : replaces ? now.st_uid : fresh.st_uid;
  const gid_t gid = wanted.group != static_cast<gid_t>(-1) ? wanted.group : replaces ? now.st_gid : fresh.st_gid;
  if ((uid != fresh.st_uid || gid != fresh.st_gid) && ::fchown(fd, uid, gid) != 0)
    throw system_error("cannot give " + action.path + " to its owner", errno);
  if (replaces)
    if (const Handle old(::openat(staged.place.folder, staged.place.name.c_str(),
                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        old)
      copy_attributes(old.get(), fd);
  const std::uint32_t mode = action.mode ? *action.mode : replaces ? now.st_mode & 07777 : new_file_mode;
  if (::fchmod(fd, mode) != 0) throw system_error("cannot set the mode of " + action.path, errno);
  return staged;
}

// What a mount sits on cannot be renamed over (Docker's /etc/hosts): its content is replaced where it is.
void write_in_place(Staged& staged) {
  const Handle target(::openat(staged.place.folder, staged.place.name.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!target) throw system_error("cannot write " + staged.path, errno);
  struct ::stat fresh {};
  ::fstat(staged.file.get(), &fresh);
  std::string content(static_cast<std::size_t>(fresh.st_size), '\0');
  if (::pread(staged.file.get(), content.data(), content.size(), 0) != fresh.st_size)
    throw system_error("cannot read back what is to be written to " + staged.path, errno);
  write_all(target.get(), content, staged.path);
  if (::ftruncate(target.get(), fresh.st_size) != 0 || ::fchown(target.get(), fresh.st_uid, fresh.st_gid) != 0 ||
      ::fchmod(target.get(), fresh.st_mode & 07777) != 0 || ::fsync(target.get()) != 0)
    throw system_error("cannot write " + staged.path, errno);
}

void put_in_place(Staged& staged, const FileWriter::Notice& notice) {
  if (::renameat(staged.place.folder, staged.temporary.c_str(), staged.place.folder, staged.place.name.c_str()) == 0) {
    staged.placed = true;
    return;
  }
  if (errno != EBUSY) throw system_error("cannot put " + staged.path + " in place", errno);
  if (notice) notice(staged.path + " is a mount of its own: written in place, which is not atomic");
  write_in_place(staged);
}

void remove_entry(int folder, const std::string& name, const std::string& path, bool recursive, dev_t device) {
  struct ::stat status {};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;
    throw system_error("cannot look at " + path, errno);
  }
  if (!S_ISDIR(status.st_mode)) {
    if (::unlinkat(folder, name.c_str(), 0) != 0) throw system_error("cannot remove " + path, errno);
    return;
  }
  if (status.st_dev != device) throw Error(path + " is a mount of its own; what is below it is not removed");
  if (recursive) {
    std::vector<std::string> names;
    {
      Handle opened = open_folder(folder, name.c_str(), path);
      const int copy = ::fcntl(opened.get(), F_DUPFD_CLOEXEC, 3);
      const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(copy), ::closedir);
      if (!entries) throw system_error("cannot list " + path, errno);
      while (const dirent* entry = ::readdir(entries.get()))
        if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
          names.emplace_back(entry->d_name);
      for (const std::string& below : names)
        remove_entry(opened.get(), below, path + "/" + below, true, device);
    }
  }
  if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST) throw Error("the folder " + path + " is not empty; it is not removed");
    throw system_error("cannot remove the folder " + path, errno);
  }
}

}  // namespace

std::string temporary_name(const std::string& name, const std::string& suffix) {
  const std::string end = ".mlops-agent-" + suffix;
  return "." + name.substr(0, name_limit - 1 - end.size()) + end;
}

void FileWriter::perform(const WriteFile& action) {
  Staged staged = stage(action, walker_, names_);
  if (::fsync(staged.file.get()) != 0) throw system_error("cannot sync " + action.path, errno);
  put_in_place(staged, notice_);
  sync_folder(staged.place.folder, action.path);
}

std::vector<std::optional<Error>> FileWriter::write_together(std::span<const WriteFile* const> actions) {
  std::vector<std::optional<Error>> errors(actions.size());
  std::vector<Staged> staged(actions.size());
  std::map<dev_t, Handle> file_systems;
  const auto each = [&](auto&& work) {
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (errors[i]) continue;
      try {
        work(i);
      } catch (const Error& e) {
        errors[i] = e;
      }
    }
  };
  const auto sync_all = [&] {
    for (const auto& [device, handle] : file_systems)
      if (::syncfs(handle.get()) != 0) {
        const Error failed = system_error("cannot sync", errno);
        each([&](std::size_t i) {
          if (staged[i].device == device) throw failed;
        });
      }
  };
  each([&](std::size_t i) {
    staged[i] = stage(*actions[i], walker_, names_);
    // Only the data need be kept until the sync; with hundreds at once, descriptors are not to run out.
    Handle& known = file_systems[staged[i].device];
    if (!known) known = open_folder(staged[i].place.folder, ".", actions[i]->path);
  });
  sync_all();
  each([&](std::size_t i) { put_in_place(staged[i], notice_); });
  sync_all();
  return errors;
}

void FileWriter::perform(const CreateDirectory& action) {
  const Walker::Place place = need(walker_.place(action.path), action.path);
  const Owners wanted = owners(names_, action.owner, action.group);
  if (::mkdirat(place.folder, place.name.c_str(), 0700) != 0)
    throw system_error("cannot make the folder " + action.path, errno);
  const Handle made = open_folder(place.folder, place.name.c_str(), action.path);
  if ((wanted.user != static_cast<uid_t>(-1) || wanted.group != static_cast<gid_t>(-1)) &&
      ::fchown(made.get(), wanted.user, wanted.group) != 0)
    throw system_error("cannot give the folder " + action.path + " to its owner", errno);
  struct ::stat status {};
  ::fstat(made.get(), &status);
  // A set-group-ID folder above hands the bit down; it is kept where no mode was asked for.
  const std::uint32_t mode = action.mode ? *action.mode : new_folder_mode | (status.st_mode & S_ISGID);
  if (::fchmod(made.get(), mode) != 0) throw system_error("cannot set the mode of " + action.path, errno);
  if (::fsync(made.get()) != 0) throw system_error("cannot sync the folder " + action.path, errno);
  sync_folder(place.folder, action.path);
  walker_.forget();
}

void FileWriter::perform(const CreateLink& action) {
  const Walker::Place place = need(walker_.place(action.path), action.path);
  const Owners wanted = owners(names_, action.owner, action.group);
  if (::symlinkat(action.target.c_str(), place.folder, place.name.c_str()) != 0)
    throw system_error("cannot make the link " + action.path, errno);
  if ((wanted.user != static_cast<uid_t>(-1) || wanted.group != static_cast<gid_t>(-1)) &&
      ::fchownat(place.folder, place.name.c_str(), wanted.user, wanted.group, AT_SYMLINK_NOFOLLOW) != 0)
    throw system_error("cannot give the link " + action.path + " to its owner", errno);
  sync_folder(place.folder, action.path);
  walker_.forget();
}

void FileWriter::perform(const SetAttributes& action) {
  const Walker::Place place = need(walker_.target_place(action.path), action.path);
  const Owners wanted = owners(names_, action.owner, action.group);
  const Handle entry(::openat(place.folder, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!entry) throw system_error("cannot open " + action.path, errno);
  struct ::stat status {};
  if (::fstat(entry.get(), &status) != 0) throw system_error("cannot look at " + action.path, errno);
  if (::geteuid() == 0 && place.owner != 0 && status.st_uid != place.owner && status.st_nlink > 1 &&
      !S_ISDIR(status.st_mode))
    throw Error("unsafe path: " + action.path + " has further names, and lies in another user's folder",
                ErrorKind::unsafe_path);
  if ((wanted.user != static_cast<uid_t>(-1) || wanted.group != static_cast<gid_t>(-1)) &&
      ::fchownat(entry.get(), "", wanted.user, wanted.group, AT_EMPTY_PATH) != 0)
    throw system_error("cannot give " + action.path + " to its owner", errno);
  // chmod(2) has no form for an O_PATH descriptor; its name in /proc is the same file.
  const std::uint32_t mode = action.mode ? *action.mode : status.st_mode & 07777;
  if (::chmod(fmt::format("/proc/self/fd/{}", entry.get()).c_str(), mode) != 0)
    throw system_error("cannot set the mode of " + action.path, errno);
  sync_folder(place.folder, action.path);
  walker_.forget();
}

void FileWriter::perform(const RemovePath& action) {
  const auto place = walker_.place(action.path);
  if (!place) return;
  struct ::stat folder {};
  ::fstat(place->folder, &folder);
  remove_entry(place->folder, place->name, action.path, action.recursive, folder.st_dev);
  sync_folder(place->folder, action.path);
  walker_.forget();
}

void FileWriter::perform(const RenamePath& action) {
  const Walker::Place from = need(walker_.place(action.from), action.from);
  const Walker::Place to = need(walker_.place(action.to), action.to);
  if (::renameat2(from.folder, from.name.c_str(), to.folder, to.name.c_str(), RENAME_NOREPLACE) != 0) {
    // An empty folder may be in the place of another folder: rename(2) replaces just that.
    if (errno != EEXIST || ::unlinkat(to.folder, to.name.c_str(), AT_REMOVEDIR) != 0 ||
        ::renameat2(from.folder, from.name.c_str(), to.folder, to.name.c_str(), RENAME_NOREPLACE) != 0)
      throw system_error("cannot rename " + action.from + " to " + action.to, errno);
  }
  sync_folder(to.folder, action.to);
  sync_folder(from.folder, action.from);
  walker_.forget();
}

}  // namespace mlops
