#include "domains/services/local.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>

#include "backends/systemd_api.hpp"
#include "base/backend.hpp"
#include "base/error.hpp"
#include "base/wall_clock.hpp"
#include "domains/services/unit_files.hpp"

namespace mlops {
namespace {

mlops_systemd_verb backend_verb(ChangeUnit::Verb verb) {
  switch (verb) {
    case ChangeUnit::Verb::start:
      return mlops_systemd_start;
    case ChangeUnit::Verb::stop:
      return mlops_systemd_stop;
    case ChangeUnit::Verb::restart:
      return mlops_systemd_restart;
    case ChangeUnit::Verb::reload:
      return mlops_systemd_reload;
    case ChangeUnit::Verb::enable:
      return mlops_systemd_enable;
    case ChangeUnit::Verb::disable:
      return mlops_systemd_disable;
  }
  throw Error("no such verb");
}

void check(const mlops_systemd_result& result) {
  switch (result.failure) {
    case mlops_systemd_none:
      return;
    case mlops_systemd_denied:
      throw Error(result.message, ErrorKind::denied);
    case mlops_systemd_cancelled:
      throw Error(result.message, ErrorKind::cancelled);
    case mlops_systemd_other:
    case mlops_systemd_not_found:
    case mlops_systemd_lost:
      throw Error(result.message);
  }
}

// The init script that systemd generated the unit from; "" if it has a unit file.
std::string script_of(const std::string& name, const mlops_systemd_unit& unit) {
  return std::string_view(unit.enabled_state) == "generated" ? init_script("", name) : "";
}

// Like `systemctl is-enabled`; a file with only Also= is enabled if those units are.
std::string enabled_state(const std::string& name, const mlops_systemd_unit& unit) {
  if (const std::string script = script_of(name, unit); !script.empty())
    return starts_at_boot("", script) ? "enabled" : "disabled";
  return unit.has_links ? "enabled" : unit.enabled_state;
}

std::uint64_t up_ms(std::uint64_t active_since) {
  timespec t{};
  if (active_since == 0 || ::clock_gettime(CLOCK_MONOTONIC, &t) != 0) return UINT64_MAX;
  const auto now =
      static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_nsec) / 1000;
  return now < active_since ? 0 : (now - active_since) / 1000;
}

}  // namespace

void require_systemd(const std::string& root) {
  struct stat s;
  if (::stat((root + "/run/systemd/system").c_str(), &s) == 0 && S_ISDIR(s.st_mode)) return;
  std::string name;
  std::getline(std::ifstream(root + "/proc/1/comm"), name);
  throw Error(name.empty() ? "systemd does not run here"
                           : fmt::format("systemd does not run here (PID 1 is `{}`)", name),
              ErrorKind::unavailable);
}

struct LocalServices::Connection {
  Backend backend{"systemd"};
  mlops_systemd_close_fn* close = backend.function<mlops_systemd_close_fn>("mlops_systemd_close");
  mlops_systemd_read_fn* read = backend.function<mlops_systemd_read_fn>("mlops_systemd_read");
  mlops_systemd_change_fn* change = backend.function<mlops_systemd_change_fn>("mlops_systemd_change");
  mlops_systemd_places_fn* places = backend.function<mlops_systemd_places_fn>("mlops_systemd_places");
  mlops_systemd_reload_manager_fn* reload =
      backend.function<mlops_systemd_reload_manager_fn>("mlops_systemd_reload_manager");
  mlops_systemd_log_fn* log = backend.function<mlops_systemd_log_fn>("mlops_systemd_log");
  void* client = nullptr;

  Connection() {
    mlops_systemd_result result;
    client = backend.function<mlops_systemd_open_fn>("mlops_systemd_open")(&result);
    check(result);
  }
  ~Connection() {
    if (client) close(client);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
};

LocalServices::LocalServices(ActingUser who, const Cancellation& cancellation)
    : who_(std::move(who)), cancellation_(cancellation) {}
LocalServices::~LocalServices() = default;

LocalServices::Connection& LocalServices::connection() const {
  if (!connection_) {
    require_systemd();
    connection_ = std::make_unique<Connection>();
  }
  return *connection_;
}

Unit LocalServices::unit(const std::string& name) const {
  mlops_systemd_unit unit;
  mlops_systemd_result result;
  connection().read(connection().client, name.c_str(), &unit, &result);
  if (result.failure == mlops_systemd_lost) {  // an upgrade of systemd drops its clients
    connection_.reset();
    connection().read(connection().client, name.c_str(), &unit, &result);
  }
  check(result);
  return {name,
          unit.load_state,
          unit.active_state,
          unit.sub_state,
          enabled_state(name, unit),
          unit.can_reload,
          std::to_string(unit.since),
          up_ms(unit.active_since)};
}

std::string LocalServices::log_since(const std::string& name, std::uint64_t since_us) const {
  constexpr unsigned most = 10;
  std::string text;
  const auto add = [](void* into, const char* line) {
    auto& all = *static_cast<std::string*>(into);
    all += fmt::format("{}{}", all.empty() ? "" : "\n", line);
  };
  // Gives the journal a moment to receive the last messages.
  for (int tries = 3; tries > 0; --tries) {
    text.clear();
    connection().log(name.c_str(), since_us, most, add, &text);
    if (!text.empty()) break;
    pollfd wait{cancellation_.fd(), POLLIN, 0};
    if (::poll(&wait, 1, 100) > 0) break;
  }
  return text;
}

void LocalServices::wrote(const std::string& path) const {
  wrote_unit_files_ = wrote_unit_files_ || is_unit_file(path);
}

// systemd detects a newer unit file by itself, but not a drop-in folder that did not exist at its last reload
// (NeedDaemonReload in org.freedesktop.systemd1(5)).
void LocalServices::reload_where_outdated(const std::string& unit) const {
  Connection& c = connection();
  mlops_systemd_result result;
  struct Places {
    std::vector<std::string> folders, names;
  } places;
  std::uint64_t loaded = 0;
  c.places(
      c.client, unit.c_str(),
      [](void* into, const char* text) { static_cast<Places*>(into)->folders.emplace_back(text); },
      [](void* into, const char* text) { static_cast<Places*>(into)->names.emplace_back(text); }, &places,
      &loaded, &result);
  if (places.names.empty()) places.names = {unit};
  // File times are those of the kernel's last tick, which may be slightly before systemd's clock.
  constexpr std::int64_t tick = 10'000;
  if (!wrote_unit_files_ &&
      newest_unit_file(places.folders, places.names) + tick < static_cast<std::int64_t>(loaded))
    return;
  c.reload(c.client, &result);
  check(result);
  wrote_unit_files_ = false;
}

// As `systemctl enable` does for a unit without a unit file.
void LocalServices::change_script(const std::string& script, ChangeUnit::Verb verb) const {
  const char* word = verb == ChangeUnit::Verb::enable ? "enable" : "disable";
  std::string program = "/usr/lib/systemd/systemd-sysv-install";
  if (::access(program.c_str(), X_OK) != 0) program = "/lib/systemd/systemd-sysv-install";
  ProcessOptions options;
  options.cancellation = &cancellation_;
  options.merge_output = true;
  const CommandResult ended = run_process({.argv = {program, word, script}, .cwd = "/"}, who_, options);
  if (ended.status != 0)
    throw Error(fmt::format("the init script {} could not be {}d: {} ended with status {}", script, word,
                            program, ended.status))
        .with_output(ended.output);
  mlops_systemd_result result;
  connection().reload(connection().client, &result);
  check(result);
}

void LocalServices::perform(const ChangeUnit& change) const {
  cancellation_.check();
  connection_.reset();  // if an upgrade closed it, that would be noticed only in the middle
  const std::uint64_t begun = static_cast<std::uint64_t>(microseconds_now());
  const bool of_file = change.verb == ChangeUnit::Verb::enable || change.verb == ChangeUnit::Verb::disable;
  mlops_systemd_result result;
  if (of_file) {
    mlops_systemd_unit unit;
    connection().read(connection().client, change.unit.c_str(), &unit, &result);
    check(result);
    if (const std::string script = script_of(change.unit, unit); !script.empty())
      return change_script(script, change.verb);
  }
  reload_where_outdated(change.unit);
  connection().change(connection().client, change.unit.c_str(), backend_verb(change.verb), cancellation_.fd(),
                      &result);
  try {
    check(result);
  } catch (Error& e) {
    if (of_file || e.kind() != ErrorKind::other) throw;
    throw e.with_output(log_since(change.unit, begun));
  }
}

}  // namespace mlops
