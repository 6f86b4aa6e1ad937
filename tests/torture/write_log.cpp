#include "write_log.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

namespace torture {
namespace {

using Kind = WriteOp::Kind;
using Json = nlohmann::json;

constexpr long call_fchmodat2 = 452;

std::string descriptor_path(pid_t thread, std::uint64_t descriptor) {
  return "/proc/" + std::to_string(thread) + "/fd/" + std::to_string(static_cast<int>(descriptor));
}

std::uint64_t position(pid_t thread, std::uint64_t descriptor) {
  std::ifstream file("/proc/" + std::to_string(thread) + "/fdinfo/" +
                     std::to_string(static_cast<int>(descriptor)));
  std::string name;
  std::uint64_t value = 0;
  file >> name >> value;
  return value;
}

std::string read_range(const std::string& path, std::uint64_t offset, std::size_t size) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string data(size, '\0');
  const ssize_t n = fd < 0 ? -1 : ::pread(fd, data.data(), size, static_cast<off_t>(offset));
  if (fd >= 0) ::close(fd);
  data.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return data;
}

bool is_open(long number) {
  return number == SYS_open || number == SYS_openat || number == SYS_openat2 || number == SYS_creat;
}

std::uint64_t flags_of(const Call& c) {
  if (c.number == SYS_creat) return O_CREAT | O_TRUNC;
  if (c.number == SYS_open) return c.arguments[1];
  if (c.number == SYS_openat) return c.arguments[2];
  const std::string how = read_bytes(c.thread, c.arguments[2], sizeof(open_how));
  return how.size() < sizeof(open_how) ? 0 : reinterpret_cast<const open_how*>(how.data())->flags;
}

bool is_volatile(const std::string& path) {
  for (const char* top : {"/proc", "/dev", "/sys", "/run", "/tmp"})
    if (path == top || path.starts_with(std::string(top) + "/")) return true;
  return false;
}

std::string parent(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

void WriteRecorder::before(const Call& call) {
  Begun begun{paths_of(call), false};
  struct stat status {};
  // Where it leads, of a rename.
  if (!begun.paths.empty()) begun.was_there = ::lstat(begun.paths.back().c_str(), &status) == 0;
  begun_[call.thread] = std::move(begun);
}

void WriteRecorder::after(const Call& call, std::int64_t result) {
  const Begun begun = begun_[call.thread];
  begun_.erase(call.thread);
  if (result < 0) return;
  const auto& a = call.arguments;
  WriteOp op;
  op.program = program_of(call.thread);
  op.path = begun.paths.empty() ? "" : begun.paths[0];
  if (begun.paths.size() > 1) op.other = begun.paths[1];
  struct stat now {};
  const auto look = [&](const std::string& path) {
    if (::lstat(path.c_str(), &now) != 0) return;
    op.mode = now.st_mode;
    op.uid = now.st_uid;
    op.gid = now.st_gid;
  };
  const auto add = [&](Kind kind) {
    op.kind = kind;
    log_.push_back(op);
  };
  const auto wrote = [&](std::uint64_t descriptor, std::uint64_t offset) {
    op.offset = offset;
    op.data = read_range(descriptor_path(call.thread, descriptor), offset, static_cast<std::size_t>(result));
    add(Kind::write);
  };
  if (is_open(call.number)) {
    const std::uint64_t flags = flags_of(call);
    op.is_new = !begun.was_there && (flags & O_CREAT) != 0;
    look(op.path);
    if (op.is_new) return add(Kind::create);
    if ((flags & O_TRUNC) != 0) return add(Kind::truncate);
    return;
  }
  switch (call.number) {
    case SYS_write:
    case SYS_writev:
    case SYS_sendfile:
      return wrote(a[0], position(call.thread, a[0]) - static_cast<std::uint64_t>(result));
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_pwritev2:
      return wrote(a[0], a[3]);
    case SYS_copy_file_range:
      return wrote(a[2], position(call.thread, a[2]) - static_cast<std::uint64_t>(result));
    case SYS_ioctl:
      if (::stat(descriptor_path(call.thread, a[0]).c_str(), &now) == 0) result = now.st_size;
      return wrote(a[0], 0);
    case SYS_fallocate:
      op.offset = a[2] + a[3];
      if (::stat(descriptor_path(call.thread, a[0]).c_str(), &now) == 0)
        op.offset = static_cast<std::uint64_t>(now.st_size);
      return add(Kind::truncate);
    case SYS_ftruncate:
    case SYS_truncate:
      op.offset = a[1];
      return add(Kind::truncate);
    case SYS_chmod:
    case SYS_fchmod:
    case SYS_fchmodat:
    case call_fchmodat2:
      look(op.path);
      return add(Kind::mode);
    case SYS_chown:
    case SYS_lchown:
    case SYS_fchown:
    case SYS_fchownat:
      look(op.path);
      return add(Kind::owner);
    case SYS_setxattr:
    case SYS_lsetxattr:
    case SYS_fsetxattr:
      op.other = read_text(call.thread, a[1]);
      op.data = read_bytes(call.thread, a[2], a[3]);
      return add(Kind::attribute);
    case SYS_removexattr:
    case SYS_lremovexattr:
    case SYS_fremovexattr:
      op.other = read_text(call.thread, a[1]);
      return add(Kind::no_attribute);
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
      op.is_new = !begun.was_there;
      return add(call.number == SYS_renameat2 && (a[4] & RENAME_EXCHANGE) != 0 ? Kind::exchange : Kind::rename);
    case SYS_unlink:
      return add(Kind::unlink);
    case SYS_unlinkat:
      return add((a[2] & AT_REMOVEDIR) != 0 ? Kind::rmdir : Kind::unlink);
    case SYS_rmdir:
      return add(Kind::rmdir);
    case SYS_mkdir:
    case SYS_mkdirat:
      look(op.path);
      return add(Kind::mkdir);
    case SYS_mknod:
    case SYS_mknodat:
      look(op.path);
      return add(Kind::node);
    case SYS_symlink:
    case SYS_symlinkat:
      op.other = read_text(call.thread, a[0]);
      look(op.path);
      return add(Kind::symlink);
    case SYS_link:
    case SYS_linkat:
      return add(Kind::link);
    case SYS_fsync:
    case SYS_fdatasync:
      return add(Kind::sync);
    case SYS_sync:
    case SYS_syncfs:
      return add(Kind::sync_all);
    default:
      return;  // times, signals, programs
  }
}

std::string to_bytes(const std::vector<WriteOp>& log) {
  Json all = Json::array();
  const auto bytes = [](const std::string& text) { return Json::binary({text.begin(), text.end()}); };
  for (const WriteOp& o : log)
    all.push_back({static_cast<int>(o.kind), bytes(o.path), bytes(o.other), bytes(o.data), o.offset, o.mode,
                   o.uid, o.gid, o.is_new, bytes(o.program)});
  std::string text;
  Json::to_cbor(all, text);
  return text;
}

std::vector<WriteOp> from_bytes(const std::string& bytes) {
  std::vector<WriteOp> log;
  const auto text = [](const Json& value) {
    return std::string(value.get_binary().begin(), value.get_binary().end());
  };
  for (const Json& o : Json::from_cbor(bytes)) {
    WriteOp op{static_cast<Kind>(o[0].get<int>()),
               text(o[1]),
               text(o[2]),
               text(o[3]),
               o[4].get<std::uint64_t>(),
               o[5].get<std::uint32_t>(),
               o[6].get<std::uint32_t>(),
               o[7].get<std::uint32_t>(),
               o[8].get<bool>(),
               text(o[9])};
    if (op.kind == Kind::sync_all || !is_volatile(op.path)) log.push_back(std::move(op));
  }
  return log;
}

namespace {

// What stands at each path, by numbers that stay with it through renames.
class Objects {
 public:
  int at(const std::string& path) {
    const auto found = ids_.find(path);
    return found != ids_.end() ? found->second : ids_[path] = ++last_;
  }
  void make(const std::string& path) { ids_[path] = ++last_; }
  void link(const std::string& from, const std::string& to) { ids_[to] = at(from); }
  void remove(const std::string& path) { ids_.erase(path); }
  void rename(const std::string& from, const std::string& to) {
    std::map<std::string, int> moved{{to, at(from)}};
    for (auto i = ids_.begin(); i != ids_.end();) {
      const bool below = i->first == from || i->first.starts_with(from + "/");
      if (below) moved[to + i->first.substr(from.size())] = i->second;
      i = below ? ids_.erase(i) : std::next(i);
    }
    for (const auto& [path, id] : moved) ids_[path] = id;
  }

 private:
  std::map<std::string, int> ids_;
  int last_ = 0;
};

}  // namespace

std::string name_of(Loss loss) {
  return loss == Loss::data ? "data lost" : loss == Loss::strict ? "only what was synced" : "torn";
}

std::vector<std::size_t> survivors(const std::vector<WriteOp>& log, std::size_t count, Loss loss) {
  struct Pending {
    int object = 0;         // whose own it is
    std::set<int> folders;  // whose entries it changes
  };
  Objects objects;
  std::map<std::size_t, Pending> pending;
  std::map<std::size_t, int> written;   // by the write, whose data it is
  std::map<std::size_t, int> replaced;  // by another path's rename over it: the inode that it put in place
  std::set<std::size_t> lost;
  for (std::size_t i = 0; i < count; ++i) {
    const WriteOp& op = log[i];
    Pending p;
    switch (op.kind) {
      case Kind::sync_all:
        pending.clear();
        continue;
      case Kind::sync: {
        const int object = objects.at(op.path);
        std::erase_if(pending, [&](const auto& item) {
          return item.second.object == object || item.second.folders.contains(object);
        });
        continue;
      }
      case Kind::create:
        p.folders = {objects.at(parent(op.path))};
        objects.make(op.path);
        break;
      case Kind::mkdir:
      case Kind::symlink:
      case Kind::node:
        p.folders = {objects.at(parent(op.path))};
        objects.make(op.path);
        break;
      case Kind::unlink:
      case Kind::rmdir:
        p.folders = {objects.at(parent(op.path))};
        objects.remove(op.path);
        break;
      case Kind::rename:
        p.folders = {objects.at(parent(op.other))};
        if (!op.is_new && op.program != "mlops-agent") replaced[i] = objects.at(op.path);
        objects.rename(op.path, op.other);
        break;
      case Kind::exchange: {
        p.folders = {objects.at(parent(op.other))};
        objects.rename(op.path, op.path + "\n");
        objects.rename(op.other, op.path);
        objects.rename(op.path + "\n", op.other);
        break;
      }
      case Kind::link:
        p.folders = {objects.at(parent(op.other))};
        objects.link(op.path, op.other);
        break;
      default:
        p.object = objects.at(op.path);
        if (op.kind == Kind::write) written[i] = p.object;
    }
    const bool may_be_lost = loss != Loss::data || op.kind == Kind::write;
    if (may_be_lost) pending[i] = p;
  }
  std::mt19937 chance(static_cast<std::mt19937::result_type>(count));
  const std::size_t moment = chance() % (count + 1);
  for (const auto& [i, p] : pending) {
    const bool survives = log[i].kind == Kind::write ? chance() % 2 == 0 : i < moment;
    if (loss != Loss::torn || !survives) lost.insert(i);
  }
  for (const auto& [rename, object] : replaced) {
    if (lost.contains(rename)) continue;
    for (const auto& [write, whose] : written)
      if (whose == object && write < rename) lost.erase(write);
  }
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < count; ++i)
    if (!lost.contains(i) && log[i].kind != Kind::sync && log[i].kind != Kind::sync_all) kept.push_back(i);
  return kept;
}

void replay(const WriteOp& op) {
  const char* path = op.path.c_str();
  const auto open_and = [&](int flags, auto work) {
    const int fd = ::open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return;
    work(fd);
    ::close(fd);
  };
  int status = 0;
  switch (op.kind) {
    case Kind::create:
      open_and(O_WRONLY | O_CREAT, [&](int fd) {
        status = ::fchown(fd, op.uid, op.gid);
        ::fchmod(fd, op.mode & 07777);
      });
      break;
    case Kind::write:
      open_and(O_WRONLY, [&](int fd) {
        if (::pwrite(fd, op.data.data(), op.data.size(), static_cast<off_t>(op.offset)) < 0) status = -1;
      });
      break;
    case Kind::truncate:
      open_and(O_WRONLY, [&](int fd) { status = ::ftruncate(fd, static_cast<off_t>(op.offset)); });
      break;
    case Kind::mode:
      ::chmod(path, op.mode & 07777);
      break;
    case Kind::owner:
      status = ::lchown(path, op.uid, op.gid);
      // It may have taken away set-user-ID bits.
      if (!S_ISLNK(op.mode)) ::chmod(path, op.mode & 07777);
      break;
    case Kind::attribute:
      ::lsetxattr(path, op.other.c_str(), op.data.data(), op.data.size(), 0);
      break;
    case Kind::no_attribute:
      ::lremovexattr(path, op.other.c_str());
      break;
    case Kind::rename:
      ::rename(path, op.other.c_str());
      break;
    case Kind::exchange:
      ::syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, op.other.c_str(), RENAME_EXCHANGE);
      break;
    case Kind::unlink:
      ::unlink(path);
      break;
    case Kind::rmdir:
      ::rmdir(path);
      break;
    case Kind::mkdir:
      if (::mkdir(path, 0700) == 0) {
        status = ::lchown(path, op.uid, op.gid);
        ::chmod(path, op.mode & 07777);
      }
      break;
    case Kind::symlink:
      if (::symlink(op.other.c_str(), path) == 0) status = ::lchown(path, op.uid, op.gid);
      break;
    case Kind::link:
      status = ::link(path, op.other.c_str());
      break;
    case Kind::node:
      if (::mknod(path, op.mode, 0) == 0) status = ::lchown(path, op.uid, op.gid);
      break;
    case Kind::sync:
    case Kind::sync_all:
      break;
  }
  static_cast<void>(status);
}

}  // namespace torture
