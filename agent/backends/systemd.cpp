// systemd's bus interface through libsystemd. Plain C++ without exceptions: nothing here allocates memory
// except libsystemd. It stays one file, as it is the one that includes libsystemd.
#include <poll.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>

#include "backends/systemd_api.hpp"

namespace {

constexpr const char* destination = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr const char* service_interface = "org.freedesktop.systemd1.Service";
// Slightly longer than systemd's DefaultTimeoutStartSec (90 s), so that systemd's own result comes first.
constexpr std::uint64_t patience_us = 95'000'000;

using Result = mlops_systemd_result;

struct Message {
  sd_bus_message* m = nullptr;
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  ~Message() { sd_bus_message_unref(m); }
};

struct BusError {
  sd_bus_error e = SD_BUS_ERROR_NULL;
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&e); }
  bool is(const char* name) const { return sd_bus_error_has_name(&e, name) != 0; }
};

struct Slot {
  sd_bus_slot* s = nullptr;
  Slot() = default;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { sd_bus_slot_unref(s); }
};

__attribute__((format(printf, 3, 4))) bool fail(Result* result, mlops_systemd_failure failure,
                                                const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::vsnprintf(result->message, sizeof result->message, format, args);
  va_end(args);
  result->failure = failure;
  return false;
}

mlops_systemd_failure kind_of(const BusError& error, int r) {
  if (error.is("org.freedesktop.systemd1.NoSuchUnit") || error.is(SD_BUS_ERROR_FILE_NOT_FOUND))
    return mlops_systemd_not_found;
  if (error.is(SD_BUS_ERROR_ACCESS_DENIED) || error.is(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ||
      r == -EACCES || r == -EPERM)
    return mlops_systemd_denied;
  const int lost[] = {-ECONNRESET, -ENOTCONN, -EPIPE, -ESHUTDOWN, -ECONNREFUSED, -ESTALE};
  if (std::find(std::begin(lost), std::end(lost), r) != std::end(lost) || error.is(SD_BUS_ERROR_NO_REPLY) ||
      error.is(SD_BUS_ERROR_DISCONNECTED))
    return mlops_systemd_lost;
  return mlops_systemd_other;
}

bool bus_failed(Result* result, const char* doing, const BusError& error, int r) {
  return fail(result, kind_of(error, r), "%s: %s", doing,
              error.e.message ? error.e.message : std::strerror(-r));
}

void copy(char (&into)[32], const char* text) { std::snprintf(into, sizeof into, "%s", text ? text : ""); }

std::uint64_t now_us() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(t.tv_nsec) / 1000;
}

// ---- connecting ---------------------------------------------------------------------------------------------

// The manager's own socket: needs root, and no D-Bus daemon.
int open_private(sd_bus** bus) {
  int r = sd_bus_new(bus);
  if (r >= 0) r = sd_bus_set_address(*bus, "unix:path=/run/systemd/private");
  if (r >= 0) r = sd_bus_start(*bus);
  if (r < 0) *bus = sd_bus_unref(*bus);
  return r;
}

sd_bus* connect(Result* result) {
  sd_bus* bus = nullptr;
  int r = geteuid() == 0 ? open_private(&bus) : -EACCES;
  if (r < 0) r = sd_bus_open_system(&bus);
  if (r >= 0) {
    sd_bus_set_method_call_timeout(bus, patience_us);
    return bus;
  }
  if (geteuid() != 0 && r == -ENOENT)
    fail(result, mlops_systemd_denied, "there is no D-Bus here, and without it only root can ask systemd");
  else
    fail(result, r == -EACCES ? mlops_systemd_denied : mlops_systemd_other, "cannot reach systemd: %s",
         std::strerror(-r));
  return nullptr;
}

// ---- reading ------------------------------------------------------------------------------------------------

// The unit's object path, in reply; loads the unit if needed. A unit without a file has an object too.
bool load_unit(sd_bus* bus, const char* name, Message& reply, const char*& path, Result* result) {
  BusError error;
  int r =
      sd_bus_call_method(bus, destination, manager_path, manager, "LoadUnit", &error.e, &reply.m, "s", name);
  if (r >= 0) r = sd_bus_message_read(reply.m, "o", &path);
  return r >= 0 || bus_failed(result, name, error, r);
}

// One "{sv}" of GetAll whose key has been read.
int read_property(sd_bus_message* m, const char* key, mlops_systemd_unit* into) {
  const struct {
    const char* name;
    char (&field)[32];
  } texts[] = {{"LoadState", into->load_state},
               {"ActiveState", into->active_state},
               {"SubState", into->sub_state},
               {"UnitFileState", into->enabled_state}};
  for (const auto& text : texts)
    if (std::strcmp(key, text.name) == 0) {
      const char* value = nullptr;
      const int r = sd_bus_message_read(m, "v", "s", &value);
      if (r >= 0) copy(text.field, value);
      return r;
    }
  if (std::strcmp(key, "CanReload") == 0) {
    int value = 0;
    const int r = sd_bus_message_read(m, "v", "b", &value);
    into->can_reload = value != 0;
    return r;
  }
  if (std::strcmp(key, "ActiveEnterTimestampMonotonic") == 0)
    return sd_bus_message_read(m, "v", "t", &into->active_since);
  if (std::strcmp(key, "StateChangeTimestamp") == 0) return sd_bus_message_read(m, "v", "t", &into->since);
  return sd_bus_message_skip(m, "v");
}

int read_properties(sd_bus_message* m, mlops_systemd_unit* into) {
  int r = sd_bus_message_enter_container(m, 'a', "{sv}");
  while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
    const char* key = nullptr;
    r = sd_bus_message_read(m, "s", &key);
    if (r >= 0) r = read_property(m, key, into);
    if (r >= 0) r = sd_bus_message_exit_container(m);
  }
  return r;
}

// Whether disabling would remove any links, as for an enabled unit file with only Also=.
bool has_links(sd_bus* bus, const char* name) {
  BusError error;
  Message reply;
  const char* link = nullptr;
  int r = sd_bus_call_method(bus, destination, manager_path, manager, "GetUnitFileLinks", &error.e, &reply.m,
                             "sb", name, 0);
  if (r >= 0) r = sd_bus_message_enter_container(reply.m, 'a', "s");
  return r >= 0 && sd_bus_message_read(reply.m, "s", &link) > 0;
}

// The current state according to the folders of unit files; the unit's own property may be outdated. Not every
// unit has a file.
void read_enabled(sd_bus* bus, const char* name, mlops_systemd_unit* into) {
  BusError error;
  Message reply;
  const char* state = nullptr;
  const int r = sd_bus_call_method(bus, destination, manager_path, manager, "GetUnitFileState", &error.e,
                                   &reply.m, "s", name);
  if (r >= 0 && sd_bus_message_read(reply.m, "s", &state) >= 0) copy(into->enabled_state, state);
  if (std::strcmp(into->enabled_state, "indirect") == 0) into->has_links = has_links(bus, name);
}

bool read_unit(sd_bus* bus, const char* name, mlops_systemd_unit* into, Result* result) {
  *into = {};
  Message loaded, properties;
  const char* path = nullptr;
  if (!load_unit(bus, name, loaded, path, result)) return false;
  BusError error;
  int r = sd_bus_call_method(bus, destination, path, "org.freedesktop.DBus.Properties", "GetAll", &error.e,
                             &properties.m, "s", unit_interface);
  if (r >= 0) r = read_properties(properties.m, into);
  if (r < 0) return bus_failed(result, name, error, r);
  read_enabled(bus, name, into);
  return true;
}

// ---- changing -----------------------------------------------------------------------------------------------

bool reload_manager(sd_bus* bus, Result* result) {
  BusError error;
  const int r = sd_bus_call_method(bus, destination, manager_path, manager, "Reload", &error.e, nullptr, "");
  return r >= 0 || bus_failed(result, "cannot reload systemd's configuration", error, r);
}

// Reloads the manager if the unit's file is newer than the loaded one, or none is loaded yet.
bool bring_up_to_date(sd_bus* bus, const char* name, Result* result) {
  Message loaded;
  const char* path = nullptr;
  if (!load_unit(bus, name, loaded, path, result)) return false;
  BusError error;
  int needed = 0;
  sd_bus_get_property_trivial(bus, destination, path, unit_interface, "NeedDaemonReload", &error.e, 'b',
                              &needed);
  mlops_systemd_unit unit;
  if (!read_unit(bus, name, &unit, result)) return false;
  const bool missing = std::strcmp(unit.load_state, "not-found") == 0;
  if ((needed || missing) && !reload_manager(bus, result)) return false;
  if (missing && !read_unit(bus, name, &unit, result)) return false;
  if (std::strcmp(unit.load_state, "not-found") == 0)
    return fail(result, mlops_systemd_not_found, "unit %s not found", name);
  return true;
}

struct Job {
  const char* path;  // null until it is queued
  char outcome[32];  // "" until it has ended
};

// JobRemoved(u id, o job, s unit, s result)
int on_job_removed(sd_bus_message* m, void* context, sd_bus_error*) {
  Job& job = *static_cast<Job*>(context);
  std::uint32_t id = 0;
  const char *path = nullptr, *unit = nullptr, *outcome = nullptr;
  if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &outcome) < 0) return 0;
  if (job.path && std::strcmp(path, job.path) == 0) copy(job.outcome, outcome);
  return 0;
}

bool wait_for(sd_bus* bus, const Job& job, const char* name, int cancel_fd, Result* result) {
  const std::uint64_t end = now_us() + patience_us;
  while (job.outcome[0] == '\0') {
    const int r = sd_bus_process(bus, nullptr);
    if (r < 0) return bus_failed(result, name, {}, r);
    if (r > 0) continue;
    const std::uint64_t now = now_us();
    if (now >= end)
      return fail(result, mlops_systemd_other, "%s: its job did not end within 95 s and is still running",
                  name);
    pollfd fds[] = {{sd_bus_get_fd(bus), static_cast<short>(sd_bus_get_events(bus)), 0},
                    {cancel_fd, POLLIN, 0}};
    poll(fds, 2, static_cast<int>((end - now) / 1000 + 1));
    if (fds[1].revents) return fail(result, mlops_systemd_cancelled, "interrupted");
  }
  return true;
}

struct Wording {
  const char *method, *past;
};

Wording wording(mlops_systemd_verb verb) {
  switch (verb) {
    case mlops_systemd_start:
      return {"StartUnit", "started"};
    case mlops_systemd_stop:
      return {"StopUnit", "stopped"};
    case mlops_systemd_restart:
      return {"RestartUnit", "restarted"};
    case mlops_systemd_reload:
      return {"ReloadUnit", "reloaded"};
    case mlops_systemd_enable:
      return {"EnableUnitFiles", "enabled"};
    case mlops_systemd_disable:
      return {"DisableUnitFiles", "disabled"};
  }
  return {"", ""};
}

// The meaning of a job's result (org.freedesktop.systemd1(5), JobRemoved).
const char* explained(const char* outcome) {
  const struct {
    const char *outcome, *text;
  } texts[] = {{"canceled", "another job took its place"},
               {"timeout", "its job took too long"},
               {"dependency", "a unit that it depends on failed"},
               {"invalid", "the job does not apply to its state"},
               {"assert", "an assertion of the unit does not hold"},
               {"unsupported", "this kind of unit is not supported here"},
               {"collected", "the unit was unloaded meanwhile"},
               {"once", "it can be started only once"}};
  for (const auto& text : texts)
    if (std::strcmp(outcome, text.outcome) == 0) return text.text;
  return "its job failed";
}

// Why a service failed, as far as the manager reports it: "exit-code, status 203".
bool job_failed(sd_bus* bus, const char* name, const char* past, const char* outcome, Result* result) {
  Message loaded;
  const char* path = nullptr;
  Result ignored;
  char why[128] = "";
  if (std::strcmp(outcome, "failed") == 0 && load_unit(bus, name, loaded, path, &ignored)) {
    BusError error, status_error;
    char* cause = nullptr;
    std::int32_t status = 0;
    if (sd_bus_get_property_string(bus, destination, path, service_interface, "Result", &error.e, &cause) >=
            0 &&
        std::strcmp(cause, "success") != 0) {
      sd_bus_get_property_trivial(bus, destination, path, service_interface, "ExecMainStatus", &status_error.e,
                                  'i', &status);
      if (status != 0)
        std::snprintf(why, sizeof why, " (%s, status %d)", cause, static_cast<int>(status));
      else
        std::snprintf(why, sizeof why, " (%s)", cause);
    }
    free(cause);
  }
  return fail(result, mlops_systemd_other, "%s could not be %s: %s%s; see `journalctl -u %s`", name, past,
              explained(outcome), why, name);
}

bool run_job(sd_bus* bus, const char* name, mlops_systemd_verb verb, int cancel_fd, Result* result) {
  const Wording words = wording(verb);
  Job job{};
  Slot match;
  BusError error, subscribe_error;
  Message reply;
  int r =
      sd_bus_match_signal(bus, &match.s, nullptr, manager_path, manager, "JobRemoved", on_job_removed, &job);
  // Subscribed already, or on the manager's own socket, where this is not needed: both are fine.
  sd_bus_call_method(bus, destination, manager_path, manager, "Subscribe", &subscribe_error.e, nullptr, "");
  if (r >= 0)
    r = sd_bus_call_method(bus, destination, manager_path, manager, words.method, &error.e, &reply.m, "ss",
                           name, "replace");
  if (r >= 0) r = sd_bus_message_read(reply.m, "o", &job.path);
  if (r < 0) {
    char doing[320];
    std::snprintf(doing, sizeof doing, "%s could not be %s", name, words.past);
    return bus_failed(result, doing, error, r);
  }
  if (!wait_for(bus, job, name, cancel_fd, result)) return false;
  const bool good = std::strcmp(job.outcome, "done") == 0 || std::strcmp(job.outcome, "skipped") == 0;
  return good || job_failed(bus, name, words.past, job.outcome, result);
}

// A unit that failed too often is not started until the failures are reset (StartLimitBurst in
// systemd.unit(5)); this request is a new reason to start it.
void forget_failures(sd_bus* bus, const char* name) {
  BusError ignored;
  sd_bus_call_method(bus, destination, manager_path, manager, "ResetFailedUnit", &ignored.e, nullptr, "s",
                     name);
}

bool change_file_state(sd_bus* bus, const char* name, mlops_systemd_verb verb, Result* result) {
  const bool enable = verb == mlops_systemd_enable;
  const Wording words = wording(verb);
  BusError error;
  Message reply;
  const auto disable = [&](int runtime_only) {
    BusError failed;
    Message removed;
    sd_bus_error* into = runtime_only ? &failed.e : &error.e;
    return sd_bus_call_method(bus, destination, manager_path, manager, words.method, into, &removed.m, "asb", 1,
                              name, runtime_only);
  };
  int r = enable ? sd_bus_call_method(bus, destination, manager_path, manager, words.method, &error.e, &reply.m,
                                      "asbb", 1, name, 0, 0)
                 : disable(0);
  if (r >= 0 && !enable) r = disable(1);
  int has_install_section = 1;
  if (r >= 0 && enable) r = sd_bus_message_read(reply.m, "b", &has_install_section);
  if (r < 0) {
    char doing[320];
    std::snprintf(doing, sizeof doing, "%s could not be %s", name, words.past);
    return bus_failed(result, doing, error, r);
  }
  if (!has_install_section)
    return fail(result, mlops_systemd_other, "%s could not be enabled: its unit file has no [Install] section",
                name);
  return reload_manager(bus, result);
}

// Each text of a property that is a list of texts; none if it cannot be read.
void each_text(sd_bus* bus, const char* path, const char* interface, const char* property,
               mlops_systemd_text_fn* each, void* context) {
  BusError error;
  Message reply;
  if (sd_bus_get_property(bus, destination, path, interface, property, &error.e, &reply.m, "as") < 0 ||
      sd_bus_message_enter_container(reply.m, 'a', "s") < 0)
    return;
  const char* text = nullptr;
  while (sd_bus_message_read(reply.m, "s", &text) > 0) each(context, text);
}

// ---- the journal --------------------------------------------------------------------------------------------

struct Journal {
  sd_journal* j = nullptr;
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() { sd_journal_close(j); }

  // Positioned at its end, filtered as `journalctl --unit` does for this boot.
  bool open(const char* name) {
    char of_unit[300], by_manager[300];
    std::snprintf(of_unit, sizeof of_unit, "_SYSTEMD_UNIT=%s", name);
    std::snprintf(by_manager, sizeof by_manager, "UNIT=%s", name);
    return sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) >= 0 &&
           sd_journal_add_match(j, of_unit, 0) >= 0 && sd_journal_add_disjunction(j) >= 0 &&
           sd_journal_add_match(j, "_PID=1", 0) >= 0 && sd_journal_add_match(j, by_manager, 0) >= 0 &&
           sd_journal_seek_tail(j) >= 0;
  }
};

}  // namespace

#define MLOPS_EXPORT extern "C" __attribute__((visibility("default")))

MLOPS_EXPORT void* mlops_systemd_open(Result* result) {
  *result = {};
  return connect(result);
}

MLOPS_EXPORT void mlops_systemd_close(void* client) { sd_bus_flush_close_unref(static_cast<sd_bus*>(client)); }

MLOPS_EXPORT void mlops_systemd_read(void* client, const char* name, mlops_systemd_unit* into, Result* result) {
  *result = {};
  read_unit(static_cast<sd_bus*>(client), name, into, result);
}

MLOPS_EXPORT void mlops_systemd_places(void* client, const char* name, mlops_systemd_text_fn* folder,
                                       mlops_systemd_text_fn* unit_name, void* context, std::uint64_t* loaded,
                                       Result* result) {
  *result = {};
  *loaded = 0;
  sd_bus* bus = static_cast<sd_bus*>(client);
  Message unit;
  const char* path = nullptr;
  if (!load_unit(bus, name, unit, path, result)) return;
  each_text(bus, manager_path, manager, "UnitPath", folder, context);
  each_text(bus, path, unit_interface, "Names", unit_name, context);
  // The first exists since systemd 251; before that, only the boot can be matched.
  for (const char* property : {"UnitsLoadTimestamp", "UnitsLoadStartTimestamp"}) {
    BusError unknown;
    if (sd_bus_get_property_trivial(bus, destination, manager_path, manager, property, &unknown.e, 't',
                                    loaded) >= 0)
      return;
  }
}

MLOPS_EXPORT void mlops_systemd_reload_manager(void* client, Result* result) {
  *result = {};
  reload_manager(static_cast<sd_bus*>(client), result);
}

MLOPS_EXPORT void mlops_systemd_log(const char* name, std::uint64_t since, unsigned lines,
                                    mlops_systemd_text_fn* line, void* context) {
  Journal journal;
  if (!journal.open(name)) return;
  unsigned found = 0;
  // Back from the end, then forwards again over the counted lines.
  while (found < lines && sd_journal_previous(journal.j) > 0) {
    std::uint64_t time = 0;
    if (sd_journal_get_realtime_usec(journal.j, &time) < 0 || time < since) {
      sd_journal_next(journal.j);
      break;
    }
    ++found;
  }
  for (; found > 0; --found) {
    const void* data = nullptr;
    std::size_t size = 0;
    constexpr std::size_t field = sizeof "MESSAGE=" - 1;
    if (sd_journal_get_data(journal.j, "MESSAGE", &data, &size) >= 0 && size > field) {
      char text[1024];
      std::snprintf(text, sizeof text, "%.*s", static_cast<int>(size - field),
                    static_cast<const char*>(data) + field);
      line(context, text);
    }
    if (sd_journal_next(journal.j) <= 0) break;
  }
}

MLOPS_EXPORT void mlops_systemd_change(void* client, const char* name, mlops_systemd_verb verb, int cancel_fd,
                                       Result* result) {
  *result = {};
  sd_bus* bus = static_cast<sd_bus*>(client);
  if (!bring_up_to_date(bus, name, result)) return;
  if (verb == mlops_systemd_start || verb == mlops_systemd_restart) forget_failures(bus, name);
  if (verb == mlops_systemd_enable || verb == mlops_systemd_disable)
    change_file_state(bus, name, verb, result);
  else
    run_job(bus, name, verb, cancel_fd, result);
}
