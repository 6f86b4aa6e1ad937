#include "machine/tunnels/local_tunnels.hpp"

#include "machine/tunnels/listeners.hpp"
#include "model/error.hpp"

namespace mlops {

LocalTunnels::LocalTunnels(ActingUser who, const Cancellation& cancellation)
    : who_(std::move(who)), cancellation_(cancellation) {}

// Nothing is recorded until there is a process that keeps tunnels.
std::optional<TunnelView> LocalTunnels::tunnel(const std::string&) const { return std::nullopt; }

std::optional<std::string> LocalTunnels::listener(const Endpoint& place) const { return listener_of(place); }

void LocalTunnels::perform(const StartTunnel& start) {
  cancellation_.check();
  throw Error("cannot keep the tunnel " + start.tunnel.name + " for " + who_.name + ": not built yet");
}

void LocalTunnels::perform(const StopTunnel&) { cancellation_.check(); }

}  // namespace mlops
