// Decides from what was observed whether a machine is idle, warns, or powers off. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/idle_settings.hpp"

namespace mlops {

// What one source of activity tells.
struct Observation {
  std::string source;  // "logins", "tunnels", "terminals", "kernels", "packages", "load"
  bool active = false;
  std::string detail;    // for people: "ubuntu: bash (pid 812)"; "" if there is nothing to say
  bool unknown = false;  // it could not be observed, and so counts as active; detail says why
  friend bool operator==(const Observation&, const Observation&) = default;
};

// What a check leaves for the next one. Times are seconds; `checked` and `keep_until` since the boot
// (CLOCK_BOOTTIME), so that nobody who sets the clock changes anything.
struct IdleState {
  std::string boot;                                  // the boot that it is about
  std::optional<std::uint64_t> checked;              // absent: never in this boot
  std::uint64_t idle = 0;                            // without activity
  std::optional<std::uint64_t> warned;               // since the warning; absent: there was none
  std::uint64_t keep_until = 0;                      // 0: nobody asked
  std::map<std::string, std::uint64_t> connections;  // bytes moved by each of sshd's, by its id
  std::map<std::string, std::uint64_t> terminals;    // when something was last read from each, by its path
  std::map<std::string, std::string> kernels;        // the last activity of each Jupyter server, by its id
  std::vector<Observation> observations;
  friend bool operator==(const IdleState&, const IdleState&) = default;
};

enum class IdleStep { nothing, warn, power_off };

struct IdleDecision {
  IdleStep step = IdleStep::nothing;
  std::uint64_t left = 0;  // seconds until it powers off, if it stays idle
  friend bool operator==(const IdleDecision&, const IdleDecision&) = default;
};

// Longest time between two checks, in seconds, in which nobody can have used it unseen. After a longer one, as
// when it slept or the checks failed, the time begins anew.
inline constexpr std::uint64_t longest_counted = 150;

// Seconds until it powers off after the check that the state is of.
std::uint64_t time_left(const IdleSettings& settings, const IdleState& state);

// Brings the state from its last check to `now` with what was observed since, kept_until being the latest time
// that somebody asked for (0: none). It powers off once it was idle for `after`, nobody asked for later, and
// the warning is `warn` old.
IdleDecision decide(const IdleSettings& settings, IdleState& state, std::vector<Observation> observations,
                    std::uint64_t kept_until, std::uint64_t now);

}  // namespace mlops
