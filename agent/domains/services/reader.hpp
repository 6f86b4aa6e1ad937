// Units of the init system.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

// One unit as systemd's manager sees it (org.freedesktop.systemd1.Unit).
struct Unit {
  std::string name;           // with its suffix
  std::string load_state;     // "loaded", "not-found", "masked", "bad-setting", "error"
  std::string active_state;   // "active", "inactive", "failed", "activating", "deactivating", "reloading"
  std::string sub_state;      // "running", "exited", "dead", …
  std::string enabled_state;  // UnitFileState: "enabled", "disabled", "static", "masked", "indirect", …; ""
  bool can_reload = false;
  std::string since;  // of the active state: microseconds since the epoch, "0" when never
  // Milliseconds since it became active, by a clock that nobody sets; the largest number where that is not known, or where
  // it is active in thought only.
  std::uint64_t up_ms = UINT64_MAX;
  bool may_come = false;  // it is not there, but a package that is pending may bring it: in a plan

  bool exists() const { return load_state != "not-found" && !load_state.empty(); }
  bool active() const { return active_state == "active" || active_state == "reloading"; }
  // It starts at boot; "enabled-runtime" is lost at the next one.
  bool enabled() const { return enabled_state == "enabled"; }
};

class ServiceReader {
 public:
  virtual ~ServiceReader() = default;
  // Error unavailable, which names what PID 1 is, where systemd does not run. A unit that is not there is a
  // value (load_state "not-found").
  virtual Unit unit(const std::string& name) const = 0;
  // The last lines, ten at most, that the unit and its manager logged since then (microseconds since the epoch); "" where
  // there are none, or no journal that may be read.
  virtual std::string log_since(const std::string& name, std::uint64_t since_us) const = 0;
};

}  // namespace mlops
