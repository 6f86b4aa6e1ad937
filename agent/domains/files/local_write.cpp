// Performs the file actions: writes beside the final place first, then renames once (like Puppet's
// replace_file).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <map>
#include <set>

#include "base/handle.hpp"
#include "domains/files/attributes.hpp"
#include "domains/files/extended_attributes.hpp"
#include "domains/files/local.hpp"
#include "domains/files/placing.hpp"
#include "domains/files/remove_tree.hpp"
#include "domains/files/staged_file.hpp"

namespace mlops {
namespace {

constexpr mode_t new_folder_mode = 0755;
// Files staged at once: each may keep a folder open, and 1,024 descriptors are a common limit.
constexpr std::size_t together_limit = 256;

Walker::Place need(std::optional<Walker::Place> place, const std::string& path) {
  if (!place) throw Error("the folder of " + path + " does not exist");
  return std::move(*place);
}

// Calls remove if work fails, and rethrows.
template <class Work, class Remove>
void or_else(Work work, Remove remove) try {
  work();
} catch (...) {
  remove();
  throw;
}

}  // namespace

void FileWriter::perform(const WriteFile& action) { write(action, Judged::here); }

void FileWriter::write(const WriteFile& action, Judged judged) {
  StagedFile staged(action, walker_, names_, judged == Judged::here);
  if (staged.file() && ::fsync(staged.file().get()) != 0)
    throw system_error("cannot sync " + action.path, errno);
  put_in_place(staged, action);
  sync_folder(staged.folder(), action.path);
}

void FileWriter::perform(const CreateSecret& action) {
  std::string random(action.bytes, '\0');
  for (std::size_t have = 0; have < random.size();) {
    const ssize_t n = ::getrandom(random.data() + have, random.size() - have, 0);
    if (n < 0 && errno != EINTR) throw system_error("cannot get random bytes", errno);
    have += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }
  std::string text;
  for (const char byte : random) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  perform(WriteFile{action.path, std::move(text), 0600, action.owner, action.group, false});
}

void FileWriter::put_in_place(StagedFile& staged, const WriteFile& action) {
  if (staged.put_in_place() || !notice_) return;
  notice_(action.path + (staged.is_anothers() ? " belongs to another user" : " is a mount of its own") +
          ": written in place, which is not atomic");
}

std::vector<std::optional<Error>> FileWriter::write_together(std::span<const WriteFile* const> actions) {
  std::vector<std::optional<Error>> errors(actions.size());
  for (std::size_t from = 0; from < actions.size();) {
    // The same path twice would mean the same temporary file twice.
    std::set<std::string_view> paths;
    std::size_t to = from;
    while (to < actions.size() && to - from < together_limit && paths.insert(actions[to]->path).second) ++to;
    write_batch(actions.subspan(from, to - from), std::span(errors).subspan(from, to - from));
    from = to;
  }
  return errors;
}

void FileWriter::write_batch(std::span<const WriteFile* const> actions,
                             std::span<std::optional<Error>> errors) {
  std::vector<StagedFile> staged(actions.size());
  std::map<dev_t, Handle> file_systems;  // a file of each, for syncfs
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
  const auto sync_all = [&](bool in_place) {
    for (const auto& [device, handle] : file_systems)
      if (handle && ::syncfs(handle.get()) != 0) {
        const Error why = system_error("cannot sync", errno);
        const Error failed(why.message(), in_place ? ErrorKind::unsynced : why.kind());
        each([&, on = device](std::size_t i) {
          if (staged[i].device() == on) throw failed;
        });
      }
  };
  each([&](std::size_t i) {
    staged[i] = StagedFile(*actions[i], walker_, names_);
    Handle& known = file_systems[staged[i].device()];
    if (!known) known = std::move(staged[i].file());
    staged[i].file() = Handle();
  });
  sync_all(false);
  each([&](std::size_t i) { put_in_place(staged[i], *actions[i]); });
  sync_all(true);
}

// Created under a temporary name, so that a killed run leaves no folder with half of its attributes: later runs
// do not inspect the attributes of parent folders.
void FileWriter::perform(const CreateDirectory& action) {
  const Walker::Place place = need(walker_.place(action.path), action.path);
  const Owners wanted = find_owners(names_, action.owner, action.group);
  const std::string name = temporary_name(place.name, "folder");
  // One left by a killed run is empty.
  if (::mkdirat(place.folder, name.c_str(), 0700) != 0 &&
      (errno != EEXIST || ::unlinkat(place.folder, name.c_str(), AT_REMOVEDIR) != 0 ||
       ::mkdirat(place.folder, name.c_str(), 0700) != 0))
    throw system_error("cannot make the folder " + action.path, errno);
  or_else(
      [&] {
        const Handle made(
            ::openat(place.folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        struct ::stat status {};
        if (!made || ::fstat(made.get(), &status) != 0)
          throw system_error("cannot open the folder " + action.path, errno);
        if (wanted.any() && ::fchown(made.get(), wanted.user, wanted.group) != 0)
          throw system_error("cannot give the folder " + action.path + " to its owner", errno);
        // A set-group-ID parent passes the bit on; it is kept if no mode was given.
        const mode_t mode = action.mode ? *action.mode : new_folder_mode | (status.st_mode & S_ISGID);
        if (::fchmod(made.get(), mode) != 0) throw system_error("cannot set the mode of " + action.path, errno);
        if (::fsync(made.get()) != 0) throw system_error("cannot sync the folder " + action.path, errno);
        if (!rename_to_absent(place.folder, name, place))
          throw system_error("cannot make the folder " + action.path, errno);
      },
      [&] { ::unlinkat(place.folder, name.c_str(), AT_REMOVEDIR); });
  sync_folder(place.folder, action.path);
  walker_.forget();
}

void FileWriter::perform(const CreateLink& action) {
  const Walker::Place place = need(walker_.place(action.path), action.path);
  const Owners wanted = find_owners(names_, action.owner, action.group);
  if (::symlinkat(action.target.c_str(), place.folder, place.name.c_str()) != 0)
    throw system_error("cannot make the link " + action.path, errno);
  or_else(
      [&] {
        if (wanted.any() &&
            ::fchownat(place.folder, place.name.c_str(), wanted.user, wanted.group, AT_SYMLINK_NOFOLLOW) != 0)
          throw system_error("cannot give the link " + action.path + " to its owner", errno);
      },
      [&] { ::unlinkat(place.folder, place.name.c_str(), 0); });
  sync_folder(place.folder, action.path);
  walker_.forget();
}

namespace {

// A file with several names may be any user's, linked into a folder of theirs.
void check_names(const Walker::Place& place, const struct ::stat& status, const std::string& path) {
  struct ::stat folder {};
  if (::fstat(place.folder, &folder) != 0) throw system_error("cannot look at the folder of " + path, errno);
  const bool theirs = folder.st_uid != 0 && folder.st_uid != status.st_uid;
  const bool everyones = (folder.st_mode & S_IWOTH) != 0;
  if (::geteuid() == 0 && !S_ISDIR(status.st_mode) && status.st_nlink > 1 && (theirs || everyones))
    throw Error(
        "unsafe path: " + path + " has further names, and lies in a folder that another user may write to",
        ErrorKind::unsafe_path);
}

void sync_entry(const std::string& self, const struct ::stat& status) {
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return;
  if (const Handle readable(::open(self.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); readable)
    static_cast<void>(::fsync(readable.get()));
}

}  // namespace

void FileWriter::perform(const SetAttributes& action) { set_attributes(action, Judged::here); }

void FileWriter::set_attributes(const SetAttributes& action, Judged judged) {
  const Walker::Place place = need(walker_.target_place(action.path), action.path);
  const Owners wanted = find_owners(names_, action.owner, action.group);
  const Handle entry(::openat(place.folder, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct ::stat status {};
  if (!entry || ::fstat(entry.get(), &status) != 0) throw system_error("cannot open " + action.path, errno);
  if (judged == Judged::here) {
    check_names(place, status, action.path);
    check_hand_over(place, status, wanted, action.mode, names_, action.path);
  }
  // chmod(2) does not accept an O_PATH descriptor; its name in /proc refers to the same file.
  const std::string self = self_path(entry.get());
  const bool folder = S_ISDIR(status.st_mode);
  const Handover over{.owner = wanted.user != static_cast<uid_t>(-1) && wanted.user != status.st_uid,
                      .group = wanted.group != static_cast<gid_t>(-1) && wanted.group != status.st_gid};
  const auto acl_group = over.owner ? grants_of(read_attributes(self), names_).acl_group : std::nullopt;
  const mode_t before = status.st_mode & 07777;
  const mode_t mode = action.mode ? *action.mode : mode_after(before, folder, over, acl_group);
  // A new owner or group must not get unintended rights in between.
  const mode_t narrow = before & mode & mode_after(before, folder, over, acl_group);
  if (over.any() && narrow != before && ::chmod(self.c_str(), narrow) != 0)
    throw system_error("cannot set the mode of " + action.path, errno);
  if (over.owner) remove_acl(self, action.path);
  if (over.any() && ::fchownat(entry.get(), "", wanted.user, wanted.group, AT_EMPTY_PATH) != 0)
    throw system_error("cannot give " + action.path + " to its owner", errno);
  if (action.extended) write_attributes(self, *action.extended);
  if (::chmod(self.c_str(), mode) != 0) throw system_error("cannot set the mode of " + action.path, errno);
  sync_entry(self, status);
  sync_folder(place.folder, action.path);
  walker_.forget();
}

void FileWriter::perform(const RemovePath& action) {
  const auto place = walker_.place(action.path);
  if (!place) return;
  walker_.forget();
  remove_tree(place->folder, place->name, action.path, action.recursive);
  sync_folder(place->folder, action.path);
}

namespace {

bool is_folder(const Walker::Place& place) {
  struct ::stat status {};
  return ::fstatat(place.folder, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode);
}

}  // namespace

// A folder that programs filled is synced before it gets the name by which it counts as complete.
void FileWriter::perform(const RenamePath& action) {
  const Walker::Place from = need(walker_.place(action.from), action.from);
  const Walker::Place to = need(walker_.place(action.to), action.to);
  if (is_folder(from)) {
    const Handle folder(
        ::openat(from.folder, from.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) ::sync();
    if (folder && ::syncfs(folder.get()) != 0) throw system_error("cannot sync " + action.from, errno);
  }
  if (::renameat2(from.folder, from.name.c_str(), to.folder, to.name.c_str(), RENAME_NOREPLACE) != 0) {
    const int error = errno;
    // rename(2) replaces an empty folder. Some file systems do not support flags.
    const bool may_replace = error == EEXIST && is_folder(from) && is_folder(to);
    const bool no_flags = error == EINVAL && is_absent(to);
    if (!may_replace && !no_flags)
      throw system_error("cannot rename " + action.from + " to " + action.to, error);
    if (::renameat(from.folder, from.name.c_str(), to.folder, to.name.c_str()) != 0)
      throw system_error("cannot rename " + action.from + " to " + action.to, errno);
  }
  sync_folder(to.folder, action.to);
  sync_folder(from.folder, action.from);
  walker_.forget();
}

}  // namespace mlops
