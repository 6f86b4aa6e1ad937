// How starting and stopping a tunnel is reverted.
#include <fmt/format.h>

#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/domains.hpp"
#include "domains/inverse.hpp"

namespace mlops {
namespace {

void capture_tunnel(const std::string& name, const CaptureBefore& c, Before& b) {
  if (const auto found = c.machine().tunnels().tunnel(name)) b.tunnel = found->settings;
}

}  // namespace

void capture(const StartTunnel& a, CaptureBefore& c, Before& b) { capture_tunnel(a.tunnel.name, c, b); }
void capture(const StopTunnel& a, CaptureBefore& c, Before& b) { capture_tunnel(a.name, c, b); }

Inverse invert(const StartTunnel& a, const Before& b) {
  if (b.tunnel) return {{StartTunnel{*b.tunnel}}, {}};
  return {{StopTunnel{a.tunnel.name}}, {}};
}
Inverse invert(const StopTunnel&, const Before& b) {
  if (!b.tunnel) return {};
  return {{StartTunnel{*b.tunnel}}, {}};
}

bool satisfied(const StartTunnel& a, const MachineReader& m) {
  const auto found = m.tunnels().tunnel(a.tunnel.name);
  return found && found->settings == a.tunnel;
}
bool satisfied(const StopTunnel& a, const MachineReader& m) { return !m.tunnels().tunnel(a.name); }

void touch(const StartTunnel& a, const Before&, Things& things) { things.insert("tunnel " + a.tunnel.name); }
void touch(const StopTunnel& a, const Before&, Things& things) { things.insert("tunnel " + a.name); }

std::optional<std::string> fingerprint(TunnelsDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& m) {
  if (kind != "tunnel") return std::nullopt;
  const auto found = m.tunnels().tunnel(name);
  if (!found) return "absent";
  const Tunnel& tunnel = found->settings;
  return fmt::format("tunnel {} via {} to {}", tunnel.listen.to_text(), tunnel.via, tunnel.target.to_text());
}

}  // namespace mlops
