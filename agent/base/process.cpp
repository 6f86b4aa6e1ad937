#include "base/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/process/v2/process.hpp>
#include <cerrno>
#include <csignal>
#include <vector>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/supervision.hpp"
#include "base/trust.hpp"

namespace mlops {
namespace {

namespace process = boost::process::v2;

// The child's code between fork and exec: async-signal-safe calls only. The descriptors are owned by the
// caller.
struct ChildSetup {
  int in, out, err, folder;
  pid_t parent;
  bool die_with_parent;

  template <class Launcher, class Executable, class Argv>
  process::error_code on_exec_setup(Launcher&, const Executable&, Argv&&) const {
    ::setsid();
    if (die_with_parent) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(127);  // the parent died before the call above
    }
    if (::fchdir(folder) != 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0)
      return {errno, process::system_category()};
    ::umask(022);
    limit_descriptors();
    default_signals();
    return {};
  }
  // Boost looks for this with one signature and calls it with another; it would continue to exit(3), which
  // flushes the parent's buffers a second time.
  template <class... Any>
  void on_exec_error(Any&&...) const {
    ::_exit(127);
  }

 private:
  // Boost 1.81's own closing leaves descriptors between its listed ones open. Its error pipe must stay open
  // until exec.
  static void limit_descriptors() {
    constexpr unsigned cloexec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
    if (::syscall(SYS_close_range, 3U, ~0U, cloexec) == 0) return;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t fd = 3; fd < limit.rlim_cur && fd < 65536; ++fd)
      ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
  }
  static void default_signals() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int n = 1; n < NSIG; ++n) ::sigaction(n, &standard, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }
};

// Blocks all signals of this thread: a handler of ours must not run in the child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

ChildFd input_for(const Command& command) {
  if (!command.input) return ChildFd(::open("/dev/null", O_RDONLY | O_CLOEXEC), "cannot open /dev/null");
  // A file in memory needs no feeding, so parent and child cannot deadlock.
  ChildFd file(::memfd_create("input", MFD_CLOEXEC), "cannot make a file in memory");
  std::string_view rest = *command.input;
  while (!rest.empty()) {
    const ssize_t n = ::write(file.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot write a program's input", errno);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string quoted(const Command& command) { return "`" + command.argv.at(0) + "`"; }

Error cannot_start(const Command& command, const std::string& why, ErrorKind kind = ErrorKind::other) {
  return Error(fmt::format("cannot start {}: {}", quoted(command), why), kind);
}

Error cannot_start(const Command& command, const std::string& program, int errno_value) {
  if (errno_value == EACCES || errno_value == EPERM)
    return cannot_start(command, "permission denied", ErrorKind::denied);
  if (errno_value == ENOENT)
    return cannot_start(command, "the interpreter that " + program + " names is not there");
  return cannot_start(command, system_error(program, errno_value).message());
}

// Folders that the run added but root's PATH omits: "; /srv/soft is left out of root's: …".
std::string left_out_of_path(const Command& command, const ActingUser& who) {
  std::string text;
  for (const std::string& folder : command.path)
    if (const auto why = who.uid == 0 ? distrust_folder(folder) : std::nullopt)
      text += fmt::format("; {} is left out of root's: {}", folder, *why);
  return text;
}

// Why no program can be started.
Error no_program(const Command& command, const ActingUser& who) {
  if (command.argv[0].find('/') == std::string::npos)
    return cannot_start(command, "no such program in PATH" + left_out_of_path(command, who));
  const std::string folder = command.argv[0].starts_with('/') ? "" : child_folder(command, who) + "/";
  const std::string path = folder + command.argv[0];
  struct stat s;
  if (::stat(path.c_str(), &s) != 0)
    return errno == EACCES ? cannot_start(command, "permission denied", ErrorKind::denied)
                           : cannot_start(command, "no such file");
  if (S_ISDIR(s.st_mode)) return cannot_start(command, "it is a folder");
  return cannot_start(command, "permission denied", ErrorKind::denied);
}

std::string program_of(const Command& command, const ActingUser& who) {
  std::string found = find_program(command.argv[0], command, who);
  if (found.empty()) throw no_program(command, who);
  return found;
}

ChildFd folder_of(const Command& command, const ActingUser& who) {
  const std::string folder = child_folder(command, who);
  // "/." needs permission to enter it, as the child will.
  const int fd = ::open((folder + "/.").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw system_error(fmt::format("cannot start {} in {}", quoted(command), folder), errno);
  return ChildFd(fd, "cannot open a folder");
}

void check_arguments(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) throw Error("a command needs the name of a program");
  for (const std::string& argument : command.argv)
    if (argument.find('\0') != std::string::npos) throw cannot_start(command, "an argument holds a NUL byte");
}

pid_t launch(const Command& command, const ActingUser& who, const ChildSetup& setup) {
  const std::string program = program_of(command, who);
  std::vector<const char*> argv;
  for (const std::string& argument : command.argv) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (const auto& [name, value] : child_environment(command, who)) variables.push_back(name + "=" + value);
  std::vector<const char*> env;
  for (const std::string& variable : variables) env.push_back(variable.c_str());
  env.push_back(nullptr);

  for (int tries = 0;; ++tries) {
    boost::asio::io_context context;
    process::posix::default_launcher launcher;
    launcher.env = env.data();
    process::error_code error;
    const SignalsBlocked blocked;
    try {
      launcher(context.get_executor(), error, program, argv.data(), setup).detach();
    } catch (const std::exception& e) {  // Boost could not watch the child that it had started
      if (launcher.pid > 0) ::kill(launcher.pid, SIGKILL), ::waitpid(launcher.pid, nullptr, 0);
      throw cannot_start(command, e.what());
    }
    if (!error) return launcher.pid;
    if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0);  // Boost leaves it a zombie
    // Another thread's child may have the file open for writing between its fork and its exec.
    if (error.value() != ETXTBSY || tries == 20) throw cannot_start(command, program, error.value());
    ::usleep(5000);
  }
}

}  // namespace

std::optional<Error> program_error(const Command& command, const ActingUser& who) {
  const std::string& name = command.argv.at(0);
  const bool relative = !name.starts_with('/') && name.find('/') != std::string::npos;
  const bool home_seen = !command.cwd.empty() || child_folder(command, who) == who.home;
  if (relative && !home_seen) return std::nullopt;  // another user's home may be inaccessible to this process
  for (const std::string& place : program_places(name, command, who)) {
    struct stat s;
    if (::stat(place.c_str(), &s) == 0 ? S_ISREG(s.st_mode) : errno == EACCES) return std::nullopt;
  }
  return no_program(command, who);
}

CommandResult run_process(const Command& command, const ActingUser& who, const ProcessOptions& options) {
  check_arguments(command);
  const bool interruptible = options.cancellation && options.on_cancel == ProcessOptions::OnCancel::interrupt;
  if (interruptible) options.cancellation->check();
  ChildFd folder = folder_of(command, who), input = input_for(command);
  ChildOutput out(options.outlive_us, options.on_line), err(options.outlive_us, nullptr);
  const int stderr_fd = options.merge_output ? out.theirs.get() : err.theirs.get();
  Child child(launch(
      command, who, {input.get(), out.theirs.get(), stderr_fd, folder.get(), ::getpid(), !options.outlive_us}));
  out.theirs.close();
  err.theirs.close();
  input.close();

  Supervision supervision(command, options, child, {&out, &err});
  supervision.until_ended();
  const int status = child.wait();
  out.lines.end();
  if (supervision.cancelled()) options.cancellation->check();
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  const bool ended_by_us = supervision.timed_out() || supervision.stalled();
  return {ended_by_us ? 124 : code, supervision.timed_out(), out.tail.take(), err.tail.take(),
          supervision.stalled()};
}

}  // namespace mlops
