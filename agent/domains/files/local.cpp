#include "domains/files/local.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/digest.hpp"
#include "base/handle.hpp"
#include "base/timespec.hpp"
#include "domains/files/extended_attributes.hpp"

namespace mlops {
namespace {

FileType type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return FileType::directory;
    case S_IFLNK:
      return FileType::symlink;
    case S_IFIFO:
      return FileType::fifo;
    case S_IFSOCK:
      return FileType::socket;
    case S_IFCHR:
      return FileType::character_device;
    case S_IFBLK:
      return FileType::block_device;
    default:
      return FileType::regular;
  }
}

bool means_absent(int error) { return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG; }

// Files in /proc have content, but size 0.
std::string read_to_end(int fd, std::uint64_t limit, const std::string& path) {
  std::string content;
  char block[4096];
  for (;;) {
    const ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot read " + path, errno);
    if (n == 0) return content;
    content.append(block, static_cast<std::size_t>(n));
    if (content.size() > limit)
      throw Error(fmt::format("{} grew over {} bytes while it was read", path, limit));
  }
}

// size: as fstat(2) found it; of a file that grows meanwhile, no more is read.
std::string read_all(int fd, std::uint64_t size, std::uint64_t limit, const std::string& path) {
  if (size == 0) return read_to_end(fd, limit, path);
  std::string content(size, '\0');
  std::size_t length = 0;
  while (length < size) {
    const ssize_t n = ::read(fd, content.data() + length, size - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot read " + path, errno);
    if (n == 0) break;
    length += static_cast<std::size_t>(n);
  }
  content.resize(length);
  return content;
}

}  // namespace

FileStatus LocalFiles::status_of(const struct ::stat& raw) const {
  FileStatus s;
  s.type = type_of(raw.st_mode);
  s.mode = raw.st_mode & 07777;
  s.owner = names_.user(raw.st_uid);
  s.group = names_.group(raw.st_gid);
  s.size = static_cast<std::uint64_t>(raw.st_size);
  s.mtime_ns = nanoseconds(raw.st_mtim);
  s.ctime_ns = nanoseconds(raw.st_ctim);
  s.device = raw.st_dev;
  s.inode = raw.st_ino;
  s.links = S_ISDIR(raw.st_mode) ? 1 : raw.st_nlink;
  return s;
}

std::optional<FileView> LocalFiles::view(const std::string& path, std::uint64_t content_limit) const {
  const auto place = walker_.place(path);
  if (!place) return std::nullopt;
  const auto look = [&]() -> std::optional<FileView> {
    struct ::stat raw {};
    if (::fstatat(place->folder, place->name.c_str(), &raw, AT_SYMLINK_NOFOLLOW) != 0) {
      if (means_absent(errno)) return std::nullopt;
      throw system_error("cannot look at " + path, errno);
    }
    FileView v{status_of(raw), {}, {}};
    if (v.status.type == FileType::symlink) {
      v.target.resize(PATH_MAX);
      const ssize_t n = ::readlinkat(place->folder, place->name.c_str(), v.target.data(), v.target.size());
      if (n < 0) throw system_error("cannot read the link " + path, errno);
      v.target.resize(static_cast<std::size_t>(n));
    }
    return v;
  };
  if (content_limit == 0) return look();

  const Handle file(
      ::openat(place->folder, place->name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) {
    const int error = errno;
    if (means_absent(error)) return std::nullopt;
    auto v = look();  // a link (ELOOP) or a socket (ENXIO) has no content
    if (v && v->status.type == FileType::regular) throw system_error("cannot read " + path, error);
    return v;
  }
  struct ::stat raw {};
  if (::fstat(file.get(), &raw) != 0) throw system_error("cannot look at " + path, errno);
  FileView v{status_of(raw), {}, {}};
  if (v.status.type == FileType::regular && v.status.size <= content_limit)
    v.content = read_all(file.get(), v.status.size, content_limit, path);
  return v;
}

std::optional<std::vector<std::string>> LocalFiles::list(const std::string& path) const {
  const auto place = walker_.target_place(path);
  if (!place) return std::nullopt;
  const int fd = ::openat(place->folder, place->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    if (means_absent(errno)) return std::nullopt;
    throw system_error("cannot list " + path, errno);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd), ::closedir);
  if (!folder) {
    ::close(fd);
    throw system_error("cannot list " + path, errno);
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<Grants> LocalFiles::grants(const std::string& path) const {
  const auto place = walker_.place(path);
  if (!place) return std::nullopt;
  const Handle entry(::openat(place->folder, place->name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!entry && means_absent(errno)) return std::nullopt;
  if (!entry) throw system_error("cannot look at " + path, errno);
  return grants_of(read_attributes(self_path(entry.get())), names_);
}

std::optional<std::string> LocalFiles::resolve(const std::string& path) const {
  return walker_.canonical(path);
}

std::optional<std::string> LocalFiles::sha256(const std::string& path) const {
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  auto place = walker_.place(path);
  if (!place) return std::nullopt;
  Handle file(::openat(place->folder, place->name.c_str(), flags));
  if (!file && errno == ELOOP) {
    place = walker_.target_place(path);
    if (!place) return std::nullopt;
    file = Handle(::openat(place->folder, place->name.c_str(), flags));
  }
  if (!file) {
    if (means_absent(errno) || errno == ELOOP || errno == ENXIO) return std::nullopt;
    throw system_error("cannot read " + path, errno);
  }
  struct ::stat raw {};
  if (::fstat(file.get(), &raw) != 0) throw system_error("cannot look at " + path, errno);
  if (!S_ISREG(raw.st_mode)) return std::nullopt;
  try {
    return sha256_hex(file.get(), cancellation_);
  } catch (Error& e) {
    if (e.kind() != ErrorKind::cancelled) e.while_doing("the digest of " + path);
    throw;
  }
}

}  // namespace mlops
