// Text forms of a tunnel's settings and state, for files, messages and the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domains/tunnels/reader.hpp"

namespace mlops {

// "local", "remote", "dynamic"; and back, absent for any other word.
const char* to_text(Tunnel::Direction direction);
std::optional<Tunnel::Direction> direction_of(std::string_view word);
// The same for the words of tunnels/reader.hpp.
std::optional<TunnelView::State> tunnel_state_of(std::string_view word);

// "127.0.0.1:8888 → localhost:8888 via box", "127.0.0.1:80 on box → localhost:8080", "127.0.0.1:1080 → SOCKS
// via box".
std::string describe(const Tunnel& tunnel);

}  // namespace mlops
