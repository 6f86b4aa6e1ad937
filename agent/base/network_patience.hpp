// How long the agent waits for data from a network.
#pragma once

#include <cstdint>

namespace mlops {

// A download, or a command that talks to a server, is ended after this long without moving a byte.
inline constexpr std::uint64_t stall_ms = 60'000;

}  // namespace mlops
