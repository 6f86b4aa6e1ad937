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
  std::uint64_t since;  // StateChangeTimestamp, microseconds since the epoch; 0: never
};

enum mlops_systemd_verb {
  mlops_systemd_start,
  mlops_systemd_stop,
  mlops_systemd_restart,
  mlops_systemd_reload,
  mlops_systemd_enable,
  mlops_systemd_disable,
};

// Connects: root to the manager itself, others through the system bus. Null after filling result. For one
// thread.
typedef void* mlops_systemd_open_fn(mlops_systemd_result* result);
typedef void mlops_systemd_close_fn(void* client);
// A unit that is not there is no failure: its load_state is "not-found".
typedef void mlops_systemd_read_fn(void* client, const char* name, mlops_systemd_unit* into,
                                   mlops_systemd_result* result);
// One verb, waited for until its job ends; the manager is reloaded first when the unit's file changed. Ends
// early, while the job goes on, when cancel_fd (-1: none) becomes readable.
typedef void mlops_systemd_change_fn(void* client, const char* name, mlops_systemd_verb verb, int cancel_fd,
                                     mlops_systemd_result* result);

}  // extern "C"
