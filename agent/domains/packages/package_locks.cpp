#include "domains/packages/package_locks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/path_parts.hpp"
#include "base/proc_file.hpp"

namespace mlops {
namespace {

std::string read_proc(int pid, const char* file) {
  return read_proc_file(fmt::format("/proc/{}/{}", pid, file));
}

// The process's own name; for a script that runs under its interpreter's name, the script's.
std::string process_name(int pid) {
  std::string name = read_proc(pid, "comm");
  if (name.ends_with('\n')) name.pop_back();
  for (const char* interpreter : {"python", "perl", "bash", "sh", "dash", "ruby"}) {
    if (!name.starts_with(interpreter)) continue;
    const std::string cmdline = read_proc(pid, "cmdline");
    const std::string script = cmdline.c_str() + std::min(cmdline.find('\0') + 1, cmdline.size());
    if (!script.empty() && script[0] != '-') return std::string(name_of(script));
  }
  return name;
}

}  // namespace

std::vector<PackageLock> package_locks(const std::string& dpkg_dir, bool with_apt) {
  std::vector<PackageLock> locks = {{dpkg_dir + "/lock-frontend", "dpkg's lock"},
                                    {dpkg_dir + "/lock", "dpkg's lock"}};
  if (with_apt) {
    locks.push_back({"/var/lib/apt/lists/lock", "apt's lock on the index"});
    locks.push_back({"/var/cache/apt/archives/lock", "apt's lock on the downloads"});
  }
  return locks;
}

std::optional<LockHolder> lock_holder(const std::vector<PackageLock>& locks) {
  for (const PackageLock& lock : locks) {
    const Handle file(::open(lock.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && (errno == ENOENT || errno == ENOTDIR)) continue;
    if (!file) throw system_error("looking for the holder of " + lock.path, errno);
    struct flock wish = {};
    wish.l_type = F_WRLCK;
    wish.l_whence = SEEK_SET;
    if (::fcntl(file.get(), F_GETLK, &wish) != 0)
      throw system_error("looking for the holder of " + lock.path, errno);
    if (wish.l_type == F_UNLCK) continue;
    const int pid = wish.l_pid > 0 ? wish.l_pid : 0;
    return LockHolder{pid, pid ? process_name(pid) : "", lock};
  }
  return {};
}

std::string to_text(const LockHolder& holder) {
  const std::string who = holder.pid == 0       ? std::string("a process of another container")
                          : holder.name.empty() ? fmt::format("pid {}", holder.pid)
                                                : fmt::format("{} (pid {})", holder.name, holder.pid);
  return fmt::format("{}, which holds {} ({})", who, holder.lock.owner, holder.lock.path);
}

void wait_for_locks(const std::vector<PackageLock>& locks, std::uint64_t timeout,
                    const Cancellation& cancellation, const ProgressSink& progress) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  while (const auto holder = lock_holder(locks)) {
    cancellation.check();
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start).count();
    if (static_cast<std::uint64_t>(waited) >= timeout)
      throw Error(fmt::format("waited {} s for {}", waited, to_text(*holder)));
    if (progress) progress({"waiting for " + to_text(*holder), 0, 0});
    pollfd cancelled = {cancellation.fd(), POLLIN, 0};
    ::poll(&cancelled, 1, 250);
  }
  cancellation.check();
}

}  // namespace mlops
