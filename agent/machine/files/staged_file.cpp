#include "machine/files/staged_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "machine/files/digest.hpp"
#include "machine/files/file_reader.hpp"
#include "machine/files/local_files.hpp"
#include "model/error.hpp"

namespace mlops {
namespace {

constexpr mode_t new_file_mode = 0644;
constexpr std::size_t name_limit = 255;  // NAME_MAX
constexpr const char* acl_attribute = "system.posix_acl_access";

void write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot write " + path, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Makes an ACL, as linux/posix_acl_xattr.h has it, say what chmod(2) with this mode would make it say, so that
// those it names never have more than that.
void narrow_acl(std::string& value, mode_t mode) {
  constexpr std::size_t header = 4, entry = 8;
  constexpr std::uint16_t user_object = 0x01, group_object = 0x04, mask = 0x10, others = 0x20;
  bool masked = false;
  for (const bool second : {false, true})
    for (std::size_t at = header; at + entry <= value.size(); at += entry) {
      std::uint16_t tag = 0;
      std::memcpy(&tag, value.data() + at, sizeof tag);
      masked = masked || tag == mask;
      const bool group_class = tag == mask || (tag == group_object && !masked);
      const int shift = tag == user_object ? 6 : group_class ? 3 : tag == others ? 0 : -1;
      if (!second || shift < 0) continue;
      const auto permissions = static_cast<std::uint16_t>((mode >> shift) & 7);
      std::memcpy(value.data() + at + sizeof tag, &permissions, sizeof permissions);
    }
}

// Extended attributes, POSIX ACLs among them, from the file that is replaced. Those that this identity may not
// set or that the file system does not have are left out.
void copy_attributes(int from, int to, mode_t mode) {
  bool has_acl = false;
  if (const ssize_t room = ::flistxattr(from, nullptr, 0); room > 0) {
    std::string names(static_cast<std::size_t>(room), '\0');
    const ssize_t length = ::flistxattr(from, names.data(), names.size());
    for (const char* name = names.data(); length > 0 && name < names.data() + length;
         name += std::strlen(name) + 1) {
      std::string value(64 << 10, '\0');  // XATTR_SIZE_MAX
      const ssize_t size = ::fgetxattr(from, name, value.data(), value.size());
      if (size < 0) continue;
      value.resize(static_cast<std::size_t>(size));
      if (std::strcmp(name, acl_attribute) == 0) {
        has_acl = true;
        narrow_acl(value, mode);
      }
      static_cast<void>(::fsetxattr(to, name, value.data(), value.size(), 0));
    }
  }
  // One that came from the folder's default ACL was not the old file's.
  if (!has_acl) static_cast<void>(::fremovexattr(to, acl_attribute));
}

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
  // Long names that begin alike must not share a temporary file.
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

StagedFile& StagedFile::operator=(StagedFile&& other) noexcept {
  std::swap(action_, other.action_);
  std::swap(place_, other.place_);
  std::swap(temporary_, other.temporary_);
  std::swap(file_, other.file_);
  std::swap(device_, other.device_);
  std::swap(uid_, other.uid_);
  std::swap(gid_, other.gid_);
  std::swap(mode_, other.mode_);
  return *this;
}

StagedFile::~StagedFile() {
  if (!temporary_.empty()) ::unlinkat(place_.folder, temporary_.c_str(), 0);
}

StagedFile::StagedFile(const WriteFile& action, Walker& walker, const OwnerNames& names) : action_(&action) {
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
  uid_ = wanted.user != static_cast<uid_t>(-1) ? wanted.user : replaces ? now.st_uid : ::geteuid();
  gid_ = wanted.group;
  mode_ = action.mode ? *action.mode : replaces ? now.st_mode & 07777 : new_file_mode;

  create();
  try {
    write_all(file_.get(), action.content, action.path);
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
    // What a killed run left, perhaps already given to its owner. Nobody else's.
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
      copy_attributes(old.get(), fd, mode_);
  if (::fchmod(fd, mode_) != 0) throw system_error("cannot set the mode of " + action_->path, errno);
}

bool StagedFile::put_in_place() {
  if (::renameat(place_.folder, temporary_.c_str(), place_.folder, place_.name.c_str()) == 0) {
    temporary_.clear();
    return true;
  }
  if (errno != EBUSY) throw system_error("cannot put " + action_->path + " in place", errno);
  write_in_place();
  return false;
}

void StagedFile::write_in_place() {
  const std::string& path = action_->path;
  const Handle target(::openat(place_.folder, place_.name.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  struct ::stat now {};
  if (!target || ::fstat(target.get(), &now) != 0) throw system_error("cannot write " + path, errno);
  // First no rights but those that it had and is to have.
  if (::fchmod(target.get(), now.st_mode & mode_ & 0777) != 0 || ::fchown(target.get(), uid_, gid_) != 0)
    throw system_error("cannot set owner and mode of " + path, errno);
  write_all(target.get(), action_->content, path);
  if (::ftruncate(target.get(), static_cast<off_t>(action_->content.size())) != 0 ||
      ::fchmod(target.get(), mode_) != 0 || ::fsync(target.get()) != 0)
    throw system_error("cannot write " + path, errno);
}

}  // namespace mlops
