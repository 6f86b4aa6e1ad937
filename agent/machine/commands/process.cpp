#include "machine/commands/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
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
#include <chrono>
#include <csignal>
#include <optional>
#include <vector>

#include "machine/commands/environment.hpp"
#include "machine/commands/output_tail.hpp"
#include "model/error.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
namespace process = boost::process::v2;
constexpr auto term_to_kill = 5s;
// How long output is still read after the program ended, when something that it left behind holds the pipe.
constexpr auto quiet_after_exit = 100ms;
constexpr auto look_at_files_every = 50ms;

// One file descriptor, never 0, 1 or 2, so that dup2 onto those cannot overwrite it.
class Fd {
 public:
  Fd() = default;
  Fd(int fd, const char* doing) : fd_(fd) {
    if (fd_ >= 0 && fd_ <= 2) {
      fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
      ::close(fd);
    }
    if (fd_ < 0) throw system_error(doing, errno);
  }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// What the child does between fork and exec: async-signal-safe calls only. The descriptors are owned by the
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
      if (::getppid() != parent) ::_exit(127);  // it died before the call above
    }
    if (::fchdir(folder) != 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0)
      return {errno, process::system_category()};
    ::umask(022);
    limit_descriptors();
    default_signals();
    return {};
  }
  // Boost looks for this with one signature and calls it with another; it would go on to exit(3), which flushes
  // the parent's buffers a second time.
  template <class... Any>
  void on_exec_error(Any&&...) const {
    ::_exit(127);
  }

 private:
  // Boost 1.81's own closing leaves what lies between its listed descriptors open. Its error pipe must live to
  // exec.
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

// One of the child's outputs: a pipe, or for a child that may outlive us a file in memory, which never blocks
// or breaks. `theirs` is the end that the child gets.
struct Output {
  Fd ours, theirs;
  bool is_file = false;
  OutputTail tail;
  LineSplitter lines{nullptr};

  Output(bool file, LineSplitter::Sink on_line) : is_file(file), lines(std::move(on_line)) {
    if (file) {
      ours = Fd(::memfd_create("output", MFD_CLOEXEC), "cannot make a file in memory");
      ::fcntl(ours.get(), F_SETFL, O_APPEND);
      theirs = Fd(::fcntl(ours.get(), F_DUPFD_CLOEXEC, 3), "cannot duplicate a descriptor");
      return;
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
    Fd reading(ends[0], "cannot make a pipe"), writing(ends[1], "cannot make a pipe");
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    ours = std::move(reading);
    theirs = std::move(writing);
  }

  // Takes what is there now. Closes `ours` at a pipe's end.
  void read() {
    char buffer[65536];
    while (ours) {
      const ssize_t n =
          is_file ? ::pread(ours.get(), buffer, sizeof buffer, at_) : ::read(ours.get(), buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) {
        if (!is_file) ours.close();
        return;
      }
      at_ += n;
      const std::string_view bytes(buffer, static_cast<std::size_t>(n));
      tail.add(bytes);
      lines.add(bytes);
      if (!is_file) return;  // poll says when there is more; others get their turn
    }
  }

 private:
  off_t at_ = 0;
};

Fd input_for(const Command& command) {
  if (!command.input) return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC), "cannot open /dev/null");
  // A file in memory needs no feeding, so nothing can wait for each other.
  Fd file(::memfd_create("input", MFD_CLOEXEC), "cannot make a file in memory");
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

// A child, from fork until it was waited for. The destructor kills its whole group when that did not happen.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {
    try {
      pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), "cannot watch a program");  // Linux 5.3
    } catch (...) {
      end();
      throw;
    }
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int fd() const { return pidfd_.get(); }
  void signal(int number) { ::kill(-pid_, number); }
  // Its raw status, for W* of wait(2).
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }
  void abandon() { pid_ = -1; }

 private:
  void end() {
    if (pid_ < 0) return;
    signal(SIGKILL);
    wait();
  }
  pid_t pid_;
  Fd pidfd_;
};

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

std::string program_of(const Command& command, const ActingUser& who) {
  std::string found = find_program(command.argv[0], command, who);
  if (!found.empty()) return found;
  if (command.argv[0].find('/') == std::string::npos) throw cannot_start(command, "no such program in PATH");
  const std::string folder = command.argv[0].starts_with('/') ? "" : child_folder(command, who) + "/";
  const std::string path = folder + command.argv[0];
  struct stat s;
  if (::stat(path.c_str(), &s) != 0)
    throw errno == EACCES ? cannot_start(command, "permission denied", ErrorKind::denied)
                          : cannot_start(command, "no such file");
  if (S_ISDIR(s.st_mode)) throw cannot_start(command, "it is a folder");
  throw cannot_start(command, "permission denied", ErrorKind::denied);
}

Fd folder_of(const Command& command, const ActingUser& who) {
  const std::string folder = child_folder(command, who);
  // "/." needs the right to enter it, as the child will.
  const int fd = ::open((folder + "/.").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw system_error(fmt::format("cannot start {} in {}", quoted(command), folder), errno);
  return Fd(fd, "cannot open a folder");
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
    } catch (const std::exception& e) {  // Boost could not watch what it had started
      if (launcher.pid > 0) ::kill(launcher.pid, SIGKILL), ::waitpid(launcher.pid, nullptr, 0);
      throw cannot_start(command, e.what());
    }
    if (!error) return launcher.pid;
    if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0);  // Boost leaves it a zombie
    // Another thread's child may hold the file open for writing between its fork and its exec.
    if (error.value() != ETXTBSY || tries == 20) throw cannot_start(command, program, error.value());
    ::usleep(5000);
  }
}

// How far the ending of a child has gone.
enum class Stop { no, asked, killed };

// Reads the outputs of a child until it has ended, and ends it when its time is up or the person wishes.
class Supervision {
 public:
  Supervision(const Command& command, const ProcessOptions& options, Child& child, std::vector<Output*> outputs)
      : command_(command), options_(options), child_(child), outputs_(std::move(outputs)) {
    if (command.timeout_ms) deadline_ = Clock::now() + std::chrono::milliseconds(command.timeout_ms);
  }

  void until_ended() {
    while (!step(next_wait())) {
      if (deadline_ && Clock::now() >= *deadline_) time_is_up();
    }
    drain();
    if (stop_ != Stop::no)
      child_.signal(SIGKILL);  // what is left of its group; it itself is not yet waited for
  }
  bool timed_out() const { return timed_out_; }
  bool cancelled() const { return cancelled_; }

 private:
  // Waits for one event; true when the child has ended.
  bool step(int wait_ms) {
    std::vector<pollfd> fds = {{child_.fd(), POLLIN, 0}, {cancel_fd(), POLLIN, 0}};
    for (const Output* output : outputs_) fds.push_back({output->is_file ? -1 : output->ours.get(), POLLIN, 0});
    if (::poll(fds.data(), fds.size(), wait_ms) < 0 && errno != EINTR) throw system_error("cannot poll", errno);
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (outputs_[i]->is_file || fds[i + 2].revents) outputs_[i]->read();
    if (fds[1].revents) {
      cancelled_ = true;
      ask();
    }
    return fds[0].revents != 0;
  }
  int cancel_fd() const {
    const bool wanted = options_.cancellation && options_.on_cancel == ProcessOptions::OnCancel::interrupt;
    return wanted && !cancelled_ && stop_ == Stop::no ? options_.cancellation->fd() : -1;
  }
  int next_wait() const {
    using std::chrono::ceil;
    std::optional<std::chrono::milliseconds> wait;
    if (deadline_) wait = std::max(ceil<std::chrono::milliseconds>(*deadline_ - Clock::now()), 0ms);
    for (const Output* output : outputs_)
      if (output->is_file)
        wait = std::min(wait.value_or(look_at_files_every), std::chrono::milliseconds(look_at_files_every));
    return wait ? static_cast<int>(std::min(*wait, std::chrono::milliseconds(1h)).count()) : -1;
  }
  void time_is_up() {
    if (stop_ == Stop::no) {
      timed_out_ = true;
      ask();
    } else if (stop_ == Stop::asked) {
      stop_ = Stop::killed;
      deadline_ = Clock::now() + term_to_kill;
      child_.signal(SIGKILL);
    } else {
      child_.abandon();
      throw Error(fmt::format("{} could not be ended: it runs with other rights, or hangs in the kernel",
                              quoted(command_)));
    }
  }
  void ask() {
    if (stop_ != Stop::no) return;
    stop_ = Stop::asked;
    deadline_ = Clock::now() + term_to_kill;
    child_.signal(SIGTERM);
  }
  // What was written before the end is still in the pipes. Something left behind may hold them open for ever.
  void drain() {
    const auto at_most = Clock::now() + quiet_after_exit * 20;
    while (Clock::now() < at_most) {
      std::vector<pollfd> fds;
      for (Output* output : outputs_) {
        if (output->is_file)
          output->read();
        else if (output->ours)
          fds.push_back({output->ours.get(), POLLIN, 0});
      }
      if (fds.empty()) return;
      const int wait = static_cast<int>(std::chrono::milliseconds(quiet_after_exit).count());
      const int ready = ::poll(fds.data(), fds.size(), wait);
      if (ready == 0 || (ready < 0 && errno != EINTR)) return;
      for (Output* output : outputs_)
        if (!output->is_file) output->read();
    }
  }

  const Command& command_;
  const ProcessOptions& options_;
  Child& child_;
  std::vector<Output*> outputs_;
  std::optional<Clock::time_point> deadline_;
  Stop stop_ = Stop::no;
  bool timed_out_ = false, cancelled_ = false;
};

}  // namespace

CommandResult run_process(const Command& command, const ActingUser& who, const ProcessOptions& options) {
  check_arguments(command);
  const bool interruptible = options.cancellation && options.on_cancel == ProcessOptions::OnCancel::interrupt;
  if (interruptible) options.cancellation->check();
  Fd folder = folder_of(command, who), input = input_for(command);
  Output out(options.outlive_us, options.on_line), err(options.outlive_us, nullptr);
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
  return {supervision.timed_out() ? 124 : code, supervision.timed_out(), out.tail.take(), err.tail.take()};
}

}  // namespace mlops
