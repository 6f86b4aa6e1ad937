// What the systemd backend offers: the state of units, and changes of it, over the manager's bus interface
// (org.freedesktop.systemd1(5)), in plain C types. No exception crosses this boundary.
#pragma once

#include <cstdint>

extern "C" {

enum mlops_systemd_failure {
  mlops_systemd_none,
  mlops_systemd_other,
  mlops_systemd_denied,     // another identity may be allowed
  mlops_systemd_not_found,  // no such unit
  mlops_systemd_cancelled,  // by cancel_fd
  mlops_systemd_lost,       // the connection broke (systemd or the bus began anew): open again
};

struct mlops_systemd_result {
  mlops_systemd_failure failure;
  char message[1024];  // the cause in words; "" for none
};

// Properties of org.freedesktop.systemd1.Unit, and the unit file's state read anew from its folders.
struct mlops_systemd_unit {
  char load_state[32], active_state[32], sub_state[32], enabled_state[32];
  bool can_reload;
  bool has_links;  // of a file that is "indirect": disabling it would remove links, of units in its Also= or of aliases
  std::uint64_t since;         // StateChangeTimestamp, microseconds since the epoch; 0: never
  std::uint64_t active_since;  // ActiveEnterTimestampMonotonic, microseconds of CLOCK_MONOTONIC; 0: never, or not known
};

enum mlops_systemd_verb {
  mlops_systemd_start,
  mlops_systemd_stop,
  mlops_systemd_restart,
  mlops_systemd_reload,
  mlops_systemd_enable,
  mlops_systemd_disable,  // also where it is enabled for this boot only
};

// Called for each of several texts, which live no longer than the call.
typedef void mlops_systemd_text_fn(void* context, const char* text);

// Connects: root to the manager itself, others through the system bus. Null after filling result. For one
// thread.
typedef void* mlops_systemd_open_fn(mlops_systemd_result* result);
typedef void mlops_systemd_close_fn(void* client);
// A unit that is not there is no failure: its load_state is "not-found".
typedef void mlops_systemd_read_fn(void* client, const char* name, mlops_systemd_unit* into,
                                   mlops_systemd_result* result);
// Where the manager finds the unit's files: the folders that it looks into, and the unit's names. loaded: when it last
// looked into them (microseconds since the epoch; 0: not known).
typedef void mlops_systemd_places_fn(void* client, const char* name, mlops_systemd_text_fn* folder,
                                     mlops_systemd_text_fn* unit_name, void* context, std::uint64_t* loaded,
                                     mlops_systemd_result* result);
// Reads all unit files again, and the order of SysV scripts.
typedef void mlops_systemd_reload_manager_fn(void* client, mlops_systemd_result* result);
// One verb, waited for until its job ends; the manager is reloaded first when the unit's file changed. Ends
// early, while the job goes on, when cancel_fd (-1: none) becomes readable.
typedef void mlops_systemd_change_fn(void* client, const char* name, mlops_systemd_verb verb, int cancel_fd,
                                     mlops_systemd_result* result);
// The last lines, at most so many, that the unit, or the manager about it, logged since then (microseconds since the
// epoch), the oldest first. None where there is no journal, or where it may not be read.
typedef void mlops_systemd_log_fn(const char* name, std::uint64_t since, unsigned lines, mlops_systemd_text_fn* line,
                                  void* context);

}  // extern "C"
