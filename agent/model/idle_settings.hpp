// When a machine that nobody uses powers itself off: the settings, as the type idle_shutdown writes them and
// `mlops-agent idle check` reads them, and the places of both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlops {

inline constexpr auto idle_settings_path = "/etc/mlops-agent/idle.json";
inline constexpr auto idle_state_folder = "/run/mlops-agent-idle";     // of the checks of this boot
inline constexpr auto idle_data_folder = "/var/lib/mlops-agent-idle";  // with the folder of requests
inline constexpr auto idle_keep_folder = "/var/lib/mlops-agent-idle/keep";
inline constexpr std::uint32_t idle_keep_mode = 01777;  // everybody may leave a request, and withdraw their own
inline constexpr auto idle_unit = "mlops-agent-idle";   // its .service and .timer

struct IdleSettings {
  std::uint64_t after = 45 * 60;  // seconds without activity until it powers off
  std::uint64_t warn = 5 * 60;    // seconds between the warning and that
  std::uint64_t load = 20;        // per cent: the load average over the number of processors
  // The ports of the Jupyter servers that are asked; absent: all that run.
  std::optional<std::vector<std::uint16_t>> jupyter;
  friend bool operator==(const IdleSettings&, const IdleSettings&) = default;
};

std::string to_json(const IdleSettings& settings);
// Error, with the place of each mistake, if it is not what to_json returns.
IdleSettings parse_idle_settings(const std::string& json);

}  // namespace mlops
