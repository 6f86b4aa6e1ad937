// Downloads in a plan: servers are asked, nothing is fetched.
#include "domains/files/simulate.hpp"
#include "domains/downloads/overlay.hpp"
#include "domains/simulation.hpp"

namespace mlops {

ReadPublished::Result simulated(const ReadPublished& q, Simulation& s) { return q.ask(s.real.downloads()); }
ReadProved::Result simulated(const ReadProved& q, Simulation& s) {
  if (is_changed(q.path, s)) return std::nullopt;
  return q.ask(s.real.downloads());
}
ReadUnchanged::Result simulated(const ReadUnchanged& q, Simulation& s) {
  if (const auto url = s.host.overlay<OverlayDownloads>().url_of(q.path)) return *url == q.url;
  if (is_changed(q.path, s)) return false;
  return q.ask(s.real.downloads());
}
ReadMirrored::Result simulated(const ReadMirrored& q, Simulation& s) { return q.ask(s.real.downloads()); }

void simulate(const Download& a, Simulation& s) {
  simulate_download(a, s);
  s.host.overlay<OverlayDownloads>().add(a.path, a.url);
}

}  // namespace mlops
