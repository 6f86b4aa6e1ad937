// Reads of the network in a plan.
#include "domains/network/overlay.hpp"
#include "domains/simulation.hpp"

namespace mlops {

ReadListenerAt::Result simulated(const ReadListenerAt& q, Simulation& s) {
  s.host.need_foresight();
  return s.host.overlay<OverlayNetwork>().listener(s.real.network(), q.address, q.port);
}
AskHttp::Result simulated(const AskHttp& q, Simulation& s) {
  s.host.need_foresight();
  return q.ask(s.real.network());
}

}  // namespace mlops
