#include "idle/check.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/proc_file.hpp"
#include "idle/keep.hpp"
#include "idle/sources.hpp"
#include "idle/state.hpp"

namespace mlops {
namespace {

// What cannot be observed counts as active: never powers off a machine because of not knowing.
Observation guarded(const char* source, const std::function<Observation()>& observe) {
  try {
    return observe();
  } catch (const std::exception& e) {
    return {source, false, e.what(), true};
  }
}

// The account under which sshd talks with who is not authenticated yet.
std::optional<std::uint32_t> sshd_uid() {
  const passwd* account = ::getpwnam("sshd");
  return account ? std::optional(account->pw_uid) : std::nullopt;
}

// The servers of one user must not take the time in which the others are asked: then nobody knows what those
// do.
constexpr auto time_for_kernels = std::chrono::seconds(20);

Observation look_at_kernels(const IdleSettings& settings, IdleState& state) {
  const auto sockets = listening_sockets();
  const auto processes = list_processes();
  auto servers = find_jupyter_servers(account_homes(sockets), sockets, processes, settings.jupyter);
  if (!settings.jupyter)
    for (JupyterServer& one : servers_without_file(
             processes, servers, [](int pid) { return command_line(pid); },
             [](int pid) { return open_sockets(pid); }))
      servers.push_back(std::move(one));
  const auto end = std::chrono::steady_clock::now() + time_for_kernels;
  return observe_kernels(
      servers, [&](const JupyterServer& server) { return list_kernels(server, end); }, state.kernels);
}

std::vector<Observation> observe(const IdleSettings& settings, IdleState& state, std::uint64_t seconds) {
  return {
      guarded("logins", [] { return observe_logins(list_processes()); }),
      guarded("tunnels",
              [&] {
                return observe_tunnels(
                    list_processes(), tcp_sockets(), [](int pid) { return open_sockets(pid); }, sshd_uid(),
                    seconds, state.connections);
              }),
      guarded("terminals", [&] { return observe_terminals(terminal_inputs(), state.terminals); }),
      guarded("kernels", [&] { return look_at_kernels(settings, state); }),
      guarded("packages", [] { return observe_packages(); }),
      guarded("load",
              [&] {
                return observe_load(read_proc_file("/proc/loadavg"), ::sysconf(_SC_NPROCESSORS_ONLN),
                                    settings.load);
              }),
  };
}

}  // namespace

std::optional<IdleSettings> load_idle_settings() {
  const Handle file(::open(idle_settings_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) throw system_error(idle_settings_path, errno);
  if (!S_ISREG(status.st_mode) || status.st_uid != 0 || (status.st_mode & 022) != 0)
    throw Error(std::string(idle_settings_path) + ": others than root could have written it");
  std::string text(64 * 1024, '\0');
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0) throw system_error(idle_settings_path, errno);
  text.resize(static_cast<std::size_t>(size));
  return parse_idle_settings(text);
}

IdleCheck check_idle() {
  const auto settings = load_idle_settings();
  if (!settings) throw Error(std::string(idle_settings_path) + " does not exist");
  prepare_keep_folder(idle_keep_folder);
  IdleCheck check{*settings, load_idle_state(idle_state_folder).value_or(IdleState()), {}};
  check.state.boot = current_boot();
  const std::uint64_t now = seconds_since_boot(), before = check.state.checked.value_or(now);
  auto observations = observe(check.settings, check.state, now > before ? now - before : 0);
  std::uint64_t kept = 0;
  try {
    kept = requested_keep(idle_keep_folder, now, true);
  } catch (const std::exception& e) {
    observations.push_back({"keep", false, e.what(), true});
  }
  check.decision = decide(check.settings, check.state, std::move(observations), kept, now);
  save_idle_state(idle_state_folder, check.state);
  return check;
}

}  // namespace mlops
