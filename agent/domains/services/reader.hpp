// Units of the init system.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

// One unit as reported by systemd's manager (org.freedesktop.systemd1.Unit).
struct Unit {
  std::string name;           // with its suffix
  std::string load_state;     // "loaded", "not-found", "masked", "bad-setting", "error"
  std::string active_state;   // "active", "inactive", "failed", "activating", "deactivating", "reloading"
  std::string sub_state;      // "running", "exited", "dead", …
  std::string enabled_state;  // UnitFileState: "enabled", "disabled", "static", "masked", "indirect", …; ""
  bool can_reload = false;
  std::string since;  // of the active state: microseconds since the epoch, "0" for never
  // Milliseconds since it became active, by the monotonic clock; the largest number if that is not known, or if
  // its start is only simulated.
  std::uint64_t up_ms = UINT64_MAX;
  bool may_come = false;  // it does not exist, but a pending package may install it: in a plan

  bool exists() const { return load_state != "not-found" && !load_state.empty(); }
  bool active() const { return active_state == "active" || active_state == "reloading"; }
  // It starts at boot; "enabled-runtime" is lost at the next one.
  bool enabled() const { return enabled_state == "enabled"; }
};

class ServiceReader {
 public:
  virtual ~ServiceReader() = default;
  // Error unavailable, which names PID 1, if systemd is not running. A unit that does not exist is a value
  // (load_state "not-found").
  virtual Unit unit(const std::string& name) const = 0;
  // The last lines, ten at most, that the unit and its manager logged since then (microseconds since the
  // epoch); "" if there are none, or the journal cannot be read.
  virtual std::string log_since(const std::string& name, std::uint64_t since_us) const = 0;
};

}  // namespace mlops
