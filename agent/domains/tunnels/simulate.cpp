// Reads of and actions on tunnels in a plan, on their overlay.
#include "domains/services/overlay.hpp"
#include "domains/simulation.hpp"
#include "domains/tunnels/overlay.hpp"

namespace mlops {
namespace {

OverlayTunnels& tunnels_of(Simulation& s) { return s.host.overlay<OverlayTunnels>(); }

}  // namespace

ReadTunnel::Result simulated(const ReadTunnel& q, Simulation& s) {
  s.host.need_foresight();
  return q.ask(tunnels_of(s));
}
// A unit whose stop is simulated may release its port.
ReadListener::Result simulated(const ReadListener& q, Simulation& s) {
  s.host.need_foresight();
  auto found = q.ask(tunnels_of(s));
  if (found && s.host.overlay<OverlayServices>().any_touched()) throw Unknown{s.host.all, ""};
  return found;
}

void simulate(const StartTunnel& a, Simulation& s) { tunnels_of(s).apply(a); }
void simulate(const StopTunnel& a, Simulation& s) { tunnels_of(s).apply(a); }

}  // namespace mlops
