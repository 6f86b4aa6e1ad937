// The interface of the systemd backend: the state of units, and changes to it, over the manager's bus interface
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
  mlops_systemd_lost,       // the connection broke (systemd or the bus restarted): open again
};

struct mlops_systemd_result {
  mlops_systemd_failure failure;
  char message[1024];  // the cause as text; "" for none
};

// Properties of org.freedesktop.systemd1.Unit, and the unit file's state read afresh from its folders.
struct mlops_systemd_unit {
  char load_state[32], active_state[32], sub_state[32], enabled_state[32];
  bool can_reload;
  bool has_links;  // of a file that is "indirect": disabling it would remove links, of units in its Also= or of
                   // aliases
  std::uint64_t since;  // StateChangeTimestamp, microseconds since the epoch; 0: never
  std::uint64_t
      active_since;  // ActiveEnterTimestampMonotonic, microseconds of CLOCK_MONOTONIC; 0: never, or not known
};

enum mlops_systemd_verb {
  mlops_systemd_start,
  mlops_systemd_stop,
  mlops_systemd_restart,
  mlops_systemd_reload,
  mlops_systemd_enable,
  mlops_systemd_disable,  // also if it is enabled for this boot only
};

// Called for each of several texts, which are valid only during the call.
typedef void mlops_systemd_text_fn(void* context, const char* text);

// Connects: root to the manager itself, others through the system bus. Null after filling result.
// Single-threaded.
typedef void* mlops_systemd_open_fn(mlops_systemd_result* result);
typedef void mlops_systemd_close_fn(void* client);
// A unit that does not exist is not a failure: its load_state is "not-found".
typedef void mlops_systemd_read_fn(void* client, const char* name, mlops_systemd_unit* into,
                                   mlops_systemd_result* result);
// Where the manager finds the unit's files: its search folders, and the unit's names. loaded: when it last read
// them (microseconds since the epoch; 0: not known).
typedef void mlops_systemd_places_fn(void* client, const char* name, mlops_systemd_text_fn* folder,
                                     mlops_systemd_text_fn* unit_name, void* context, std::uint64_t* loaded,
                                     mlops_systemd_result* result);
// Reloads all unit files, and the order of SysV scripts.
typedef void mlops_systemd_reload_manager_fn(void* client, mlops_systemd_result* result);
// Runs one verb and waits until its job ends; the manager is reloaded first if the unit's file changed. Returns
// early, while the job continues, if cancel_fd (-1: none) becomes readable.
typedef void mlops_systemd_change_fn(void* client, const char* name, mlops_systemd_verb verb, int cancel_fd,
                                     mlops_systemd_result* result);
// Up to that many of the last lines that the unit, or the manager about it, logged since then (microseconds
// since the epoch), the oldest first. None if there is no journal, or it may not be read.
typedef void mlops_systemd_log_fn(const char* name, std::uint64_t since, unsigned lines,
                                  mlops_systemd_text_fn* line, void* context);

}  // extern "C"
