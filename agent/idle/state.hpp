// The file in which one check leaves its state for the next, and for whoever asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "idle/decision.hpp"

namespace mlops {

// Seconds since the boot, and which boot it is: boot_id of random(4).
std::uint64_t seconds_since_boot();
std::string current_boot();

// What the last check in this boot left in the folder; absent if there is none, or it is not whole.
std::optional<IdleState> load_idle_state(const std::string& folder);
// Replaces it, readable for everybody. Error if it cannot be written.
void save_idle_state(const std::string& folder, const IdleState& state);

}  // namespace mlops
