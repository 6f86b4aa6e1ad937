#include "domains/files/staged_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <string_view>

#include "base/descriptor_io.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "domains/files/attributes.hpp"
#include "domains/files/extended_attributes.hpp"
#include "domains/files/local.hpp"
#include "domains/files/paths.hpp"
#include "domains/files/placing.hpp"
#include "domains/files/reader.hpp"

namespace mlops {
namespace {

constexpr mode_t new_file_mode = 0644, new_secret_mode = 0600;

FileType type_of(mode_t mode) {
  return S_ISDIR(mode)    ? FileType::directory
         : S_ISLNK(mode)  ? FileType::symlink
         : S_ISFIFO(mode) ? FileType::fifo
         : S_ISSOCK(mode) ? FileType::socket
         : S_ISCHR(mode)  ? FileType::character_device
         : S_ISBLK(mode)  ? FileType::block_device
                          : FileType::regular;
}

}  // namespace

std::string temporary_name(const std::string& name, const std::string& suffix) {
  const std::string end = ".mlops-agent-" + suffix;
  const std::size_t room = name_limit - 1 - end.size();
  if (name.size() <= room) return "." + name + end;
  // Long names with the same beginning must not share a temporary file.
  const std::string mark = "~" + sha256_hex(name).substr(0, 16);
  return "." + name.substr(0, room - mark.size()) + mark + end;
}

Owners find_owners(const OwnerNames& names, const std::string& owner, const std::string& group) {
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

mode_t replaced_file_mode(const Walker::Place& place, const struct ::stat& now, bool owner_changes,
                          const OwnerNames& names) {
  std::optional<std::uint32_t> acl_group;
  if (const Handle old(::openat(place.folder, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      old && owner_changes)
    acl_group = grants_of(read_attributes(self_path(old.get())), names).acl_group;
  return mode_after(now.st_mode & 07777, false, {.owner = owner_changes, .content = true}, acl_group);
}

void check_hand_over(const Walker::Place& place, const struct ::stat& entry, const Owners& wanted,
                     std::optional<mode_t> mode, const OwnerNames& names, const std::string& path) {
  struct ::stat folder {};
  if (::geteuid() != 0) return;
  if (::fstat(place.folder, &folder) != 0) throw system_error("cannot look at the folder of " + path, errno);
  const EntryInFolder<uid_t> now{entry.st_uid, entry.st_gid, entry.st_mode, folder.st_uid, folder.st_mode};
  HandOver<uid_t> next{{}, {}, mode};
  if (wanted.user != static_cast<uid_t>(-1)) next.owner = wanted.user;
  if (wanted.group != static_cast<gid_t>(-1)) next.group = wanted.group;
  if (gives_away<uid_t>(now, next, 0))
    throw Error(given_away(path, names.user(entry.st_uid)), ErrorKind::unsafe_path);
}

namespace {

// The acting user may write to it, but cannot give a new file to its owner.
bool stays_anothers(const Walker::Place& place, const struct ::stat& now, const Owners& wanted,
                    std::optional<mode_t> mode) {
  const bool same_user = wanted.user == static_cast<uid_t>(-1) || wanted.user == now.st_uid;
  const bool same_group = wanted.group == static_cast<gid_t>(-1) || wanted.group == now.st_gid;
  const bool same_mode = !mode || *mode == (now.st_mode & 07777);
  return ::geteuid() != 0 && ::geteuid() != now.st_uid && same_user && same_group && same_mode &&
         ::faccessat(place.folder, place.name.c_str(), W_OK, AT_EACCESS) == 0;
}

}  // namespace

StagedFile& StagedFile::operator=(StagedFile&& other) noexcept {
  std::swap(action_, other.action_);
  std::swap(place_, other.place_);
  std::swap(temporary_, other.temporary_);
  std::swap(file_, other.file_);
  std::swap(device_, other.device_);
  std::swap(uid_, other.uid_);
  std::swap(gid_, other.gid_);
  std::swap(mode_, other.mode_);
  std::swap(keeps_acl_, other.keeps_acl_);
  std::swap(anothers_, other.anothers_);
  return *this;
}

StagedFile::~StagedFile() {
  if (!temporary_.empty()) ::unlinkat(place_.folder, temporary_.c_str(), 0);
}

StagedFile::StagedFile(const WriteFile& action, Walker& walker, const OwnerNames& names, bool judged)
    : action_(&action) {
  auto place = action.replace_link ? walker.place(action.path) : walker.target_place(action.path);
  if (!place) throw Error("the folder of " + action.path + " does not exist");
  place_ = std::move(*place);
  const Owners wanted = find_owners(names, action.owner, action.group);

  struct ::stat now {};
  const bool exists = ::fstatat(place_.folder, place_.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
  if (!exists && errno != ENOENT) throw system_error("cannot look at " + action.path, errno);
  const bool replaces = exists && S_ISREG(now.st_mode);
  if (exists && !replaces && !(action.replace_link && S_ISLNK(now.st_mode)))
    throw Error(action.path + " is " + to_text(type_of(now.st_mode)) + "; it is not replaced");
  if (replaces && judged) check_hand_over(place_, now, wanted, action.mode, names, action.path);
  uid_ = wanted.user != static_cast<uid_t>(-1) ? wanted.user : replaces ? now.st_uid : ::geteuid();
  gid_ = wanted.group;
  keeps_acl_ = replaces && uid_ == now.st_uid;
  mode_ = action.mode        ? *action.mode
          : replaces         ? replaced_file_mode(place_, now, uid_ != now.st_uid, names)
          : action.sensitive ? new_secret_mode
                             : new_file_mode;

  anothers_ = replaces && stays_anothers(place_, now, wanted, action.mode);
  if (anothers_) {
    device_ = now.st_dev;
    return;
  }
  create();
  try {
    write_all(file_.get(), action.content, "cannot write", action.path);
    give_attributes(now, replaces);
  } catch (...) {
    ::unlinkat(place_.folder, temporary_.c_str(), 0);
    throw;
  }
}

void StagedFile::create() {
  const std::string name = temporary_name(place_.name);
  for (int attempt = 0; attempt < 2; ++attempt) {
    file_ =
        Handle(::openat(place_.folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file_) {
      temporary_ = name;
      return;
    }
    if (errno != EEXIST) break;
    // Left by a killed run, perhaps already given to its owner. Never another user's.
    struct ::stat stale {
    }, folder{};
    if (::fstatat(place_.folder, name.c_str(), &stale, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const bool private_folder = ::fstat(place_.folder, &folder) == 0 && (folder.st_mode & S_IWOTH) == 0;
    const bool ours =
        stale.st_uid == ::geteuid() || (::geteuid() == 0 && (stale.st_uid == uid_ || private_folder));
    if (!S_ISREG(stale.st_mode) || !ours)
      throw Error(fmt::format("{} is in the way of writing {}, and is not ours", name, action_->path));
    ::unlinkat(place_.folder, name.c_str(), 0);
  }
  throw system_error("cannot write beside " + action_->path, errno);
}

void StagedFile::give_attributes(const struct ::stat& now, bool replaces) {
  const int fd = file_.get();
  struct ::stat fresh {};
  if (::fstat(fd, &fresh) != 0) throw system_error("cannot look at what is to be " + action_->path, errno);
  device_ = fresh.st_dev;
  if (gid_ == static_cast<gid_t>(-1)) gid_ = replaces ? now.st_gid : fresh.st_gid;
  if ((uid_ != fresh.st_uid || gid_ != fresh.st_gid) && ::fchown(fd, uid_, gid_) != 0)
    throw system_error("cannot give " + action_->path + " to its owner", errno);
  if (replaces)
    if (const Handle old(
            ::openat(place_.folder, place_.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        old)
      inherit_attributes(old.get(), fd, mode_, keeps_acl_);
  if (::fchmod(fd, mode_) != 0) throw system_error("cannot set the mode of " + action_->path, errno);
}

bool StagedFile::put_in_place() {
  if (anothers_) {
    write_in_place();
    return false;
  }
  if (::renameat(place_.folder, temporary_.c_str(), place_.folder, place_.name.c_str()) == 0) {
    temporary_.clear();
    return true;
  }
  if (errno != EBUSY) throw system_error("cannot put " + action_->path + " in place", errno);
  write_in_place();
  return false;
}

bool StagedFile::put_where_absent() {
  if (!temporary_.empty() && rename_to_absent(place_.folder, temporary_, place_)) {
    temporary_.clear();
    return true;
  }
  if (temporary_.empty() || errno == EEXIST || !is_absent(place_)) return false;
  throw system_error("cannot put " + action_->path + " in place", errno);
}

void StagedFile::write_in_place() {
  const std::string& path = action_->path;
  const Handle target(::openat(place_.folder, place_.name.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  struct ::stat now {};
  if (!target || ::fstat(target.get(), &now) != 0) throw system_error("cannot write " + path, errno);
  // First only the rights that it had and will keep.
  if (!anothers_) {
    if (::fchmod(target.get(), now.st_mode & mode_ & 0777) != 0)
      throw system_error("cannot set owner and mode of " + path, errno);
    if (!keeps_acl_) remove_acl(self_path(target.get()), path);
  }
  if (!anothers_ && ::fchown(target.get(), uid_, gid_) != 0)
    throw system_error("cannot set owner and mode of " + path, errno);
  write_all(target.get(), action_->content, "cannot write", path);
  if (::ftruncate(target.get(), static_cast<off_t>(action_->content.size())) != 0 ||
      (!anothers_ && ::fchmod(target.get(), mode_) != 0) || ::fsync(target.get()) != 0)
    throw system_error("cannot write " + path, errno);
}

}  // namespace mlops
