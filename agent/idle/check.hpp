// One check of whether this machine is idle, as its systemd timer runs it each minute.
#pragma once

#include "idle/decision.hpp"

namespace mlops {

// Observes everything, decides, and leaves the state for the next check. As root. Nothing is warned of and
// powered off yet. Error if the settings cannot be read or the state cannot be left: then nothing may be done
// either.
struct IdleCheck {
  IdleSettings settings;
  IdleState state;
  IdleDecision decision;
};
IdleCheck check_idle();

// The settings of this machine; absent if it has none. Error if they cannot be read, or others than root could
// have written them.
std::optional<IdleSettings> load_idle_settings();

}  // namespace mlops
