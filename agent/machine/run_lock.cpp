#include "machine/run_lock.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/error.hpp"

namespace mlops {
namespace {

constexpr int retry_ms = 100;
constexpr int nameless_tries = 5;  // the holder writes its name right after taking the lock

std::string local_time(std::time_t t) {
  std::tm parts{};
  ::localtime_r(&t, &parts);
  return fmt::format("{:%H:%M:%S}", parts);
}

std::string read_holder(int fd) {
  std::string text(4096, '\0');
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

void make_folder(const std::string& folder) {
  for (std::size_t at = folder.find('/', 1);; at = folder.find('/', at + 1)) {
    const std::string part = folder.substr(0, at);
    // XDG Base Directory Specification: folders are created private.
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      throw system_error("cannot make the folder " + part, errno);
    if (at == std::string::npos) return;
  }
}

constexpr const char* locks_of_users = "/run/mlops-agent";

std::string lock_folder_of(uid_t uid) { return fmt::format("{}/{}", locks_of_users, uid); }

// A folder that only this user can write to: nobody else can create or remove a lock in it.
bool is_own(const std::string& folder) {
  struct stat status {};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & 022) == 0;
}

// System users often have no home that they can write to. If root starts the helper, root creates their folder;
// else it is one in /var/tmp, which nobody else can remove once it exists (sticky).
std::string lock_path(const std::string& cache_folder) {
  if (::geteuid() == 0) return "/run/mlops-agent.lock";
  try {
    make_folder(cache_folder);
    if (::access(cache_folder.c_str(), W_OK) == 0) return cache_folder + "/lock";
  } catch (const Error&) {
  }
  if (is_own(lock_folder_of(::geteuid()))) return lock_folder_of(::geteuid()) + "/lock";
  const std::string own = fmt::format("/var/tmp/mlops-agent-{}", ::geteuid());
  make_folder(own);
  if (!is_own(own))
    throw Error("the folder " + own + ", for the lock on runs, belongs to another user; remove it");
  return own + "/lock";
}

std::string waited(std::chrono::milliseconds wait) {
  if (wait.count() == 0) return "";
  return fmt::format(", and was for all of the {} s that it was waited for", wait.count() / 1000);
}

}  // namespace

void make_lock_folder(uid_t uid, gid_t gid, const std::string& home) {
  struct stat status {};
  if (uid == 0 || (::stat(home.c_str(), &status) == 0 && status.st_uid == uid)) return;
  ::mkdir(locks_of_users, 0755);
  const std::string folder = lock_folder_of(uid);
  if (::mkdir(folder.c_str(), 0700) == 0) static_cast<void>(::lchown(folder.c_str(), uid, gid));
}

RunLock::RunLock(const std::string& cache_folder, const std::string& playbook, const Cancellation& cancellation,
                 const ProgressSink& progress, std::chrono::milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  const std::string path = lock_path(cache_folder);
  file_ = Handle(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file_) throw system_error("cannot open the lock " + path, errno);
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0 || status.st_uid != ::geteuid())
    throw Error("the lock " + path + " belongs to another user");
  for (int nameless = 0; ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0;) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) throw system_error("cannot lock " + path, errno);
    const std::string holder = read_holder(file_.get());
    const bool just_taken = holder.empty() && ++nameless < nameless_tries;
    if (!just_taken && !holder.starts_with("finishing")) {
      std::string line = holder.empty() ? "process unknown" : holder.substr(0, holder.find('\n'));
      const auto two_blanks = [](char a, char b) { return a == ' ' && b == ' '; };
      line.erase(std::unique(line.begin(), line.end(), two_blanks), line.end());
      if (std::chrono::steady_clock::now() >= deadline)
        throw Error(fmt::format("another run is active{}: {}", waited(wait), line));
      if (progress) progress({"waiting for another run: " + line, 0, 0});
    } else if (!just_taken && progress) {
      progress({"waiting for an earlier run to finish its last action", 0, 0});
    }
    pollfd stop{cancellation.fd(), POLLIN, 0};
    ::poll(&stop, 1, retry_ms);
    cancellation.check();
  }
  // The first bytes are overwritten by finishing(); the replacement has the same length.
  const std::string text =
      fmt::format("process {:<8} applies {} since {}\n", ::getpid(), playbook, local_time(std::time(nullptr)));
  static_cast<void>(::ftruncate(file_.get(), 0));
  static_cast<void>(::pwrite(file_.get(), text.data(), text.size(), 0));
}

void RunLock::finishing() noexcept { static_cast<void>(::pwrite(file_.get(), "finishing", 9, 0)); }

}  // namespace mlops
