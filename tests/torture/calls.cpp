#include "calls.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <string_view>

namespace torture {
namespace {

constexpr long call_fchmodat2 = 452;              // newer than Debian 12's headers
constexpr std::uint64_t clone_file = 0x40049409;  // FICLONE, ioctl_ficlone(2)
constexpr std::uint64_t here = static_cast<std::uint64_t>(static_cast<std::int64_t>(AT_FDCWD));

// Where a call's paths and descriptors are among its arguments.
enum class Shape {
  open,        // path, flags
  open_at,     // folder, path, flags
  open_how,    // folder, path, open_how
  path,        // path
  path_at,     // folder, path
  two_paths,   // path, path
  two_at,      // folder, path, folder, path
  text_path,   // text, path: symlink
  text_at,     // text, folder, path: symlinkat
  data,        // a descriptor that data is written to
  descriptor,  // a descriptor
  copy_to,     // copy_file_range: the third is written to
  clone,       // ioctl
  bare,        // nothing
  process,     // a process and a signal
};

struct Known {
  const char* name;
  Shape shape;
  bool room;   // fails on a full disk
  bool files;  // fails on a read-only file system
};

const std::map<long, Known>& known() {
  using enum Shape;
  static const std::map<long, Known> calls{
      {SYS_open, {"open", open, true, true}},
      {SYS_creat, {"creat", path, true, true}},
      {SYS_openat, {"openat", open_at, true, true}},
      {SYS_openat2, {"openat2", open_how, true, true}},
      {SYS_write, {"write", data, true, true}},
      {SYS_pwrite64, {"pwrite64", data, true, true}},
      {SYS_writev, {"writev", data, true, true}},
      {SYS_pwritev, {"pwritev", data, true, true}},
      {SYS_pwritev2, {"pwritev2", data, true, true}},
      {SYS_sendfile, {"sendfile", data, true, true}},
      {SYS_copy_file_range, {"copy_file_range", copy_to, true, true}},
      {SYS_fallocate, {"fallocate", data, true, true}},
      {SYS_ftruncate, {"ftruncate", data, false, true}},
      {SYS_truncate, {"truncate", path, false, true}},
      {SYS_ioctl, {"ioctl", clone, true, true}},
      {SYS_rename, {"rename", two_paths, false, true}},
      {SYS_renameat, {"renameat", two_at, false, true}},
      {SYS_renameat2, {"renameat2", two_at, false, true}},
      {SYS_unlink, {"unlink", path, false, true}},
      {SYS_unlinkat, {"unlinkat", path_at, false, true}},
      {SYS_rmdir, {"rmdir", path, false, true}},
      {SYS_mkdir, {"mkdir", path, true, true}},
      {SYS_mkdirat, {"mkdirat", path_at, true, true}},
      {SYS_mknod, {"mknod", path, true, true}},
      {SYS_mknodat, {"mknodat", path_at, true, true}},
      {SYS_symlink, {"symlink", text_path, true, true}},
      {SYS_symlinkat, {"symlinkat", text_at, true, true}},
      {SYS_link, {"link", two_paths, true, true}},
      {SYS_linkat, {"linkat", two_at, true, true}},
      {SYS_chmod, {"chmod", path, false, true}},
      {SYS_fchmod, {"fchmod", descriptor, false, true}},
      {SYS_fchmodat, {"fchmodat", path_at, false, true}},
      {call_fchmodat2, {"fchmodat2", path_at, false, true}},
      {SYS_chown, {"chown", path, false, true}},
      {SYS_lchown, {"lchown", path, false, true}},
      {SYS_fchown, {"fchown", descriptor, false, true}},
      {SYS_fchownat, {"fchownat", path_at, false, true}},
      {SYS_utime, {"utime", path, false, true}},
      {SYS_utimes, {"utimes", path, false, true}},
      {SYS_futimesat, {"futimesat", path_at, false, true}},
      {SYS_utimensat, {"utimensat", path_at, false, true}},
      {SYS_setxattr, {"setxattr", path, true, true}},
      {SYS_lsetxattr, {"lsetxattr", path, true, true}},
      {SYS_fsetxattr, {"fsetxattr", descriptor, true, true}},
      {SYS_removexattr, {"removexattr", path, false, true}},
      {SYS_lremovexattr, {"lremovexattr", path, false, true}},
      {SYS_fremovexattr, {"fremovexattr", descriptor, false, true}},
      {SYS_fsync, {"fsync", descriptor, true, false}},
      {SYS_fdatasync, {"fdatasync", descriptor, true, false}},
      {SYS_syncfs, {"syncfs", descriptor, true, false}},
      {SYS_sync, {"sync", bare, false, false}},
      {SYS_sync_file_range, {"sync_file_range", descriptor, true, false}},
      {SYS_msync, {"msync", bare, true, false}},
      {SYS_execve, {"execve", path, false, false}},
      {SYS_execveat, {"execveat", path_at, false, false}},
      {SYS_kill, {"kill", process, false, false}},
      {SYS_tkill, {"tkill", process, false, false}},
      {SYS_tgkill, {"tgkill", process, false, false}},
  };
  return calls;
}

std::string link_of(const std::string& path) {
  std::string text(4096, '\0');
  const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

std::string descriptor_link(pid_t thread, std::uint64_t descriptor) {
  return "/proc/" + std::to_string(thread) + "/fd/" + std::to_string(static_cast<int>(descriptor));
}

bool is_regular(pid_t thread, std::uint64_t descriptor) {
  struct stat status {};
  return ::stat(descriptor_link(thread, descriptor).c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         !path_of_descriptor(thread, descriptor).starts_with("/memfd:") &&
         !path_of_descriptor(thread, descriptor).starts_with("/proc/");
}

bool opens_for_change(std::uint64_t flags) {
  return (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE ||
         (flags & O_ACCMODE) != O_RDONLY;
}

std::uint64_t open_flags(const Call& call, Shape shape) {
  if (shape == Shape::open) return call.arguments[1];
  if (shape == Shape::open_at) return call.arguments[2];
  open_how how{};
  const std::string bytes = read_bytes(call.thread, call.arguments[2], sizeof how);
  return bytes.size() < sizeof how ? 0 : reinterpret_cast<const open_how*>(bytes.data())->flags;
}

bool is_device(const std::string& path) { return path.starts_with("/dev/") || path.starts_with("/proc/"); }

}  // namespace

std::vector<long> candidate_calls() {
  std::vector<long> numbers;
  for (const auto& [number, what] : known()) numbers.push_back(number);
  return numbers;
}

bool is_changing(const Call& call) {
  const Known& what = known().at(call.number);
  switch (what.shape) {
    case Shape::open:
    case Shape::open_at:
    case Shape::open_how:
      return opens_for_change(open_flags(call, what.shape)) && !is_device(paths_of(call).at(0));
    case Shape::data:
      return is_regular(call.thread, call.arguments[0]);
    case Shape::copy_to:
      return is_regular(call.thread, call.arguments[2]);
    case Shape::clone:
      return call.arguments[1] == clone_file;
    case Shape::process:
      return call.number == SYS_tgkill ? call.arguments[2] != 0 : call.arguments[1] != 0;
    default:
      return true;
  }
}

bool takes_room(const Call& call) {
  const Known& what = known().at(call.number);
  if (!what.room) return false;
  const bool opens = what.shape == Shape::open || what.shape == Shape::open_at || what.shape == Shape::open_how;
  return !opens || (open_flags(call, what.shape) & (O_CREAT | O_TRUNC)) != 0;
}

bool writes_files(const Call& call) { return known().at(call.number).files; }

std::vector<std::string> paths_of(const Call& call) {
  const auto& a = call.arguments;
  const pid_t t = call.thread;
  switch (known().at(call.number).shape) {
    case Shape::open:
    case Shape::path:
      return {path_of(t, here, a[0])};
    case Shape::open_at:
    case Shape::open_how:
      return {path_of(t, a[0], a[1])};
    case Shape::path_at:
      // utimensat(2) and fchownat(2) may mean the descriptor itself.
      return {a[1] == 0 || read_text(t, a[1]).empty() ? path_of_descriptor(t, a[0]) : path_of(t, a[0], a[1])};
    case Shape::two_paths:
      return {path_of(t, here, a[0]), path_of(t, here, a[1])};
    case Shape::two_at:
      return {path_of(t, a[0], a[1]), path_of(t, a[2], a[3])};
    case Shape::text_path:
      return {path_of(t, here, a[1])};
    case Shape::text_at:
      return {path_of(t, a[1], a[2])};
    case Shape::data:
    case Shape::descriptor:
    case Shape::clone:
      return {path_of_descriptor(t, a[0])};
    case Shape::copy_to:
      return {path_of_descriptor(t, a[2])};
    case Shape::bare:
    case Shape::process:
      break;
  }
  return {};
}

std::string description(const Call& call) {
  std::string text = program_of(call.thread) + ": " + known().at(call.number).name;
  for (const std::string& path : paths_of(call)) text += " " + path;
  return text;
}

std::string program_of(pid_t thread) {
  std::ifstream file("/proc/" + std::to_string(thread) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::string read_bytes(pid_t thread, std::uint64_t address, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  // Page by page: what lies behind may not be there.
  while (have < size) {
    constexpr std::uint64_t page = 4096;
    const std::uint64_t at = address + have;
    const std::size_t part = std::min<std::uint64_t>(size - have, page - at % page);
    iovec into{bytes.data() + have, part}, from{reinterpret_cast<void*>(at), part};
    const ssize_t n = ::process_vm_readv(thread, &into, 1, &from, 1, 0);
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

std::string read_text(pid_t thread, std::uint64_t address) {
  std::string text;
  while (text.size() < 4096) {
    const std::string part = read_bytes(thread, address + text.size(), 256);
    if (part.empty()) break;
    const auto end = part.find('\0');
    text += part.substr(0, end);
    if (end != std::string::npos) break;
  }
  return text;
}

std::string path_of_descriptor(pid_t thread, std::uint64_t descriptor) {
  return link_of(descriptor_link(thread, descriptor));
}

std::string path_of(pid_t thread, std::uint64_t folder, std::uint64_t text) {
  const std::string path = read_text(thread, text);
  constexpr std::string_view own_descriptors = "/proc/self/fd/";
  if (path.starts_with(own_descriptors) && path.find('/', own_descriptors.size()) == path.npos)
    return path_of_descriptor(thread, std::strtoull(path.c_str() + own_descriptors.size(), nullptr, 10));
  if (path.starts_with('/')) return path;
  const bool in_cwd = static_cast<int>(folder) == AT_FDCWD;
  std::string base =
      in_cwd ? link_of("/proc/" + std::to_string(thread) + "/cwd") : path_of_descriptor(thread, folder);
  if (path == "." || path.empty()) return base;
  return (base == "/" ? "" : base) + "/" + path;
}

}  // namespace torture
