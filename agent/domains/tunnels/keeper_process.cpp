#include "domains/tunnels/keeper_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <vector>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/own_executable.hpp"
#include "base/person.hpp"
#include "domains/accounts/acting_user.hpp"
#include "domains/tunnels/control.hpp"

namespace mlops {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Kind = KeeperReport::Kind;

constexpr auto report_patience = 60s;  // trying a host takes 15 s at most, and so does each jump host
constexpr auto stop_patience = 5s;
constexpr std::size_t longest_report = 8192;  // bytes
constexpr std::array<std::pair<Kind, std::string_view>, 4> words{
    {{Kind::stands, "up"}, {Kind::away, "away"}, {Kind::needs_you, "needs you"}, {Kind::failed, "failed"}}};

// ---- between fork and exec: only what is async-signal-safe (signal-safety(7))

void close_from(unsigned first) {
  if (::syscall(SYS_close_range, first, ~0U, 0U) == 0) return;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  for (rlim_t fd = first; fd < limit.rlim_cur && fd < 65536; ++fd) ::close(static_cast<int>(fd));
}

[[noreturn]] void become_keeper(char* const* argv, char* const* environment, int null, int report) {
  ::dup2(null, 0);
  ::dup2(report, 1);
  ::dup2(null, 2);
  close_from(3);
  ::umask(077);
  for (int n = 1; n < NSIG; ++n) ::signal(n, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir("/") == 0) ::execve(argv[0], argv, environment);
  ::_exit(127);
}

// The intermediate child makes init the keeper's parent, in a session that it does not lead: it can never
// acquire a terminal.
void start_detached(const std::vector<std::string>& command, int report) {
  const Handle null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) throw system_error("cannot open /dev/null", errno);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (const auto& [name, value] : child_environment({}, acting_user(effective_person().name)))
    variables.push_back(name + "=" + value);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  // 0, 1 and 2 are open in this program, so neither descriptor is one of them.
  const pid_t child = ::fork();
  if (child < 0) throw system_error("cannot start the tunnel's process", errno);
  if (child == 0) {
    if (::setsid() < 0) ::_exit(1);
    const pid_t keeper = ::fork();
    if (keeper == 0) become_keeper(argv.data(), environment.data(), null.get(), report);
    ::_exit(keeper < 0 ? 1 : 0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) throw Error("cannot start the tunnel's process: no process is left");
}

std::string read_report(int fd, const Cancellation& cancellation) {
  std::string line;
  const auto end = Clock::now() + report_patience;
  while (line.size() < longest_report) {
    cancellation.check();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return "failed: it has not said how it fares within a minute";
    std::array<pollfd, 2> fds{{{fd, POLLIN, 0}, {cancellation.fd(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(left));
    if (!fds[0].revents) continue;
    std::array<char, 1024> buffer{};
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return "failed: it ended without a word";
    line.append(buffer.data(), static_cast<std::size_t>(n));
    if (const auto newline = line.find('\n'); newline != line.npos) return line.substr(0, newline);
  }
  return line;
}

bool await_end(const TunnelFolder& folder, const std::string& name, std::chrono::milliseconds patience) {
  const auto end = Clock::now() + patience;
  while (folder.keeper(name)) {
    if (Clock::now() >= end) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace

std::string to_line(const KeeperReport& report) {
  std::string line;
  for (const auto& [kind, word] : words)
    if (kind == report.kind) line = word;
  if (!report.reason.empty()) line += ": " + report.reason;
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  return line.substr(0, longest_report - 1) + "\n";
}

KeeperReport parse_report(std::string_view line) {
  for (const auto& [kind, word] : words) {
    if (line == word) return {kind, ""};
    if (line.starts_with(word) && line.substr(word.size()).starts_with(": "))
      return {kind, std::string(line.substr(word.size() + 2))};
  }
  return {Kind::failed, fmt::format("it says `{}`", line)};
}

KeeperReport start_keeper(const TunnelFolder& folder, const std::string& name,
                          const Cancellation& cancellation) {
  std::vector<std::string> command = own_command();
  command.insert(command.end(), {keeper_command, folder.path(), name});
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
  const Handle ours(ends[0]);
  {
    const Handle theirs(ends[1]);
    start_detached(command, theirs.get());
  }
  return parse_report(read_report(ours.get(), cancellation));
}

void stop_keeper(const TunnelFolder& folder, const std::string& name, const Cancellation& cancellation) {
  if (!folder.keeper(name)) return;
  if (ask_tunnel(folder, name, TunnelQuestion::stop, stop_patience, cancellation) &&
      await_end(folder, name, stop_patience))
    return;
  while (const auto pid = folder.keeper(name)) {
    const Handle process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    if (folder.keeper(name) != pid) continue;  // the process id has been reused or freed
    const long killed =
        process ? ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) : ::kill(*pid, SIGKILL);
    if (killed != 0 && errno != ESRCH)
      throw system_error(fmt::format("cannot end process {}, which keeps the tunnel {}", *pid, name), errno);
    if (!await_end(folder, name, stop_patience))
      throw Error(fmt::format("process {}, which keeps the tunnel {}, does not end", *pid, name));
  }
}

}  // namespace mlops
