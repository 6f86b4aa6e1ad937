#include "domains/tunnels/overlay.hpp"

namespace mlops {
namespace {

bool listens_here(const Tunnel& tunnel, const Endpoint& place) {
  return tunnel.direction != Tunnel::Direction::remote && tunnel.listen == place;
}

}  // namespace

std::optional<TunnelView> OverlayTunnels::tunnel(const std::string& name) const {
  const auto changed = changed_.find(name);
  if (changed == changed_.end()) return base_.tunnel(name);
  if (!changed->second) return std::nullopt;
  return TunnelView{*changed->second, TunnelView::State::up, "", false};
}

std::optional<std::string> OverlayTunnels::listener(const Endpoint& place) const {
  for (const auto& [name, tunnel] : changed_)
    if (tunnel && listens_here(*tunnel, place)) return "the tunnel " + name;
  auto holder = base_.listener(place);
  if (!holder) return holder;
  // A tunnel that will stop, or listen elsewhere, frees its address.
  for (const auto& [name, tunnel] : changed_)
    if (const auto now = base_.tunnel(name); now && listens_here(now->settings, place)) return std::nullopt;
  return holder;
}

}  // namespace mlops
