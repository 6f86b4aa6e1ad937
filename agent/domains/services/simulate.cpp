// Reads of and changes to units in a plan, on their overlay.
#include "domains/network/overlay.hpp"
#include "domains/services/overlay.hpp"
#include "domains/simulation.hpp"

namespace mlops {

ReadUnit::Result simulated(const ReadUnit& q, Simulation& s) {
  s.host.need_foresight();
  const OverlayServices& services = s.host.overlay<OverlayServices>();
  Unit found = q.ask(services);
  const bool touched = services.touched(q.name);
  if (!touched && !found.exists())
    s.host.await(s.host.installing);
  else if (!touched && !found.active())
    s.host.doubt(s.host.installing);
  found.may_come = !found.exists() && !s.host.installing.empty();
  return found;
}
ReadLog::Result simulated(const ReadLog& q, Simulation& s) { return q.ask(s.host.overlay<OverlayServices>()); }

void simulate(const ChangeUnit& a, Simulation& s) {
  s.host.overlay<OverlayServices>().apply(a);
  s.host.overlay<OverlayNetwork>().apply(a);
}

}  // namespace mlops
