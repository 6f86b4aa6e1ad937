// How long the agent waits for what comes over a network.
#pragma once

#include <cstdint>

namespace mlops {

// A download, or a command that talks to a server, which moves no byte for so long is ended.
inline constexpr std::uint64_t stall_ms = 60'000;

}  // namespace mlops
