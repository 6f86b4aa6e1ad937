#include "domains/tunnels/tunnel_text.hpp"

#include <fmt/format.h>

namespace mlops {

const char* to_text(Tunnel::Direction direction) {
  switch (direction) {
    case Tunnel::Direction::local:
      return "local";
    case Tunnel::Direction::remote:
      return "remote";
    case Tunnel::Direction::dynamic:
      return "dynamic";
  }
  return "";
}

std::optional<Tunnel::Direction> direction_of(std::string_view word) {
  using enum Tunnel::Direction;
  for (const auto direction : {local, remote, dynamic})
    if (word == to_text(direction)) return direction;
  return std::nullopt;
}

std::optional<TunnelView::State> tunnel_state_of(std::string_view word) {
  using enum TunnelView::State;
  for (const auto state : {stopped, silent, connecting, away, needs_you, refused, up})
    if (word == to_text(state)) return state;
  return std::nullopt;
}

std::string describe(const Tunnel& t) {
  const std::string listen = t.listen.to_text();
  switch (t.direction) {
    case Tunnel::Direction::local:
      return fmt::format("{} → {} via {}", listen, t.target.to_text(), t.via);
    case Tunnel::Direction::remote:
      return fmt::format("{} on {} → {}", listen, t.via, t.target.to_text());
    case Tunnel::Direction::dynamic:
      return fmt::format("{} → SOCKS via {}", listen, t.via);
  }
  return "";
}

}  // namespace mlops
