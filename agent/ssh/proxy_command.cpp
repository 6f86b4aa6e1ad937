#include "ssh/proxy_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.hpp"

extern char** environ;

namespace mlops {
namespace {

constexpr int grace_ms = 1000;  // time to exit by itself

// As ssh chooses it: SHELL, else /bin/sh.
std::string shell() {
  const char* named = std::getenv("SHELL");
  return named && *named ? named : "/bin/sh";
}

struct SpawnSetup {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  SpawnSetup(int socket, int errors) {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, socket, 0);
    ::posix_spawn_file_actions_adddup2(&actions, socket, 1);
    ::posix_spawn_file_actions_adddup2(&actions, errors, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    ::posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
};

// Whether it ended within the time.
bool ended(pid_t pid, int milliseconds) {
  const Handle watch(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd fds{watch.get(), POLLIN, 0};
  return watch && ::poll(&fds, 1, milliseconds) > 0;
}

}  // namespace

ProxyCommand::ProxyCommand(const std::string& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw system_error("cannot make sockets", errno);
  socket_ = Handle(ends[0]);
  // Not one of 0, 1 and 2, which are replaced one after the other.
  const Handle theirs(::fcntl(ends[1], F_DUPFD_CLOEXEC, 3));
  ::close(ends[1]);
  Handle errors(::memfd_create("proxy", MFD_CLOEXEC));
  errors_ = Handle(::fcntl(errors.get(), F_DUPFD_CLOEXEC, 3));
  if (!theirs || !errors_) throw system_error("cannot make descriptors", errno);
  ::fcntl(errors_.get(), F_SETFL, O_APPEND);

  const std::string program = shell(), line = "exec " + command;
  const char* argv[] = {program.c_str(), "-c", line.c_str(), nullptr};
  const SpawnSetup setup(theirs.get(), errors_.get());
  const int failed = ::posix_spawn(&pid_, program.c_str(), &setup.actions, &setup.attributes,
                                   const_cast<char* const*>(argv), environ);
  if (failed != 0) {
    pid_ = -1;
    throw system_error(fmt::format("ProxyCommand: cannot start {}", program), failed);
  }
}

ProxyCommand::~ProxyCommand() {
  if (pid_ < 0) return;
  socket_ = Handle();
  ::kill(-pid_, SIGHUP);
  if (!ended(pid_, grace_ms)) ::kill(-pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string ProxyCommand::complaint() const {
  char text[1024];
  const off_t size = ::lseek(errors_.get(), 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(sizeof text) ? size - static_cast<off_t>(sizeof text) : 0;
  const ssize_t n = ::pread(errors_.get(), text, sizeof text, from);
  std::string said(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.pop_back();
  return said;
}

}  // namespace mlops
