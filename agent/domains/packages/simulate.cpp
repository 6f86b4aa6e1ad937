// Reads of and transactions on packages in a plan, on their overlay.
#include <algorithm>

#include "domains/packages/overlay.hpp"
#include "domains/simulation.hpp"

namespace mlops {
namespace {

OverlayPackages& packages_of(Simulation& s) { return s.host.overlay<OverlayPackages>(); }

}  // namespace

ReadPackage::Result simulated(const ReadPackage& q, Simulation& s) {
  s.host.need_foresight();
  auto found = q.ask(packages_of(s));
  if (!found) s.host.doubt(s.host.unforeseen);
  return found;
}
ReadInterrupted::Result simulated(const ReadInterrupted& q, Simulation& s) {
  s.host.need_foresight();
  return q.ask(packages_of(s));
}
// What apt's index says does not depend on what runs.
ReadIndexAge::Result simulated(const ReadIndexAge& q, Simulation& s) { return q.ask(packages_of(s)); }
ReadIndexOutdated::Result simulated(const ReadIndexOutdated& q, Simulation& s) { return q.ask(packages_of(s)); }
ReadContents::Result simulated(const ReadContents& q, Simulation& s) { return q.ask(packages_of(s)); }
ReadPurgeLoss::Result simulated(const ReadPurgeLoss& q, Simulation& s) { return q.ask(packages_of(s)); }
ReadCandidate::Result simulated(const ReadCandidate& q, Simulation& s) { return q.ask(packages_of(s)); }
ForecastInstall::Result simulated(const ForecastInstall& q, Simulation& s) { return q.ask(packages_of(s)); }
ForecastRemoval::Result simulated(const ForecastRemoval& q, Simulation& s) { return q.ask(packages_of(s)); }
ReadUnneeded::Result simulated(const ReadUnneeded& q, Simulation& s) { return q.ask(packages_of(s)); }
ReadSimilar::Result simulated(const ReadSimilar& q, Simulation& s) { return q.ask(packages_of(s)); }

void simulate(const InstallPackages& a, Simulation& s) {
  packages_of(s).apply(a);
  if (a.wanted.empty()) return;  // only sets marks
  SimulatedHost::add(s.host.installing, s.host.label);
  for (const PackageChange& change : a.expected)
    if (!change.version_after.empty())
      packages_of(s).add_arriving({change.name, change.version_after, s.host.label});
  const bool known = std::none_of(a.expected.begin(), a.expected.end(),
                                  [](const PackageChange& c) { return c.version_after.empty(); });
  if (!known || a.expected.empty()) SimulatedHost::add(s.host.unforeseen, s.host.label);
}
void simulate(const RemovePackages& a, Simulation& s) { packages_of(s).apply(a); }
void simulate(const RefreshIndex& a, Simulation& s) { packages_of(s).apply(a); }
void simulate(const RepairPackages& a, Simulation& s) {
  packages_of(s).apply(a);
  SimulatedHost::add(s.host.installing, s.host.label);
}

}  // namespace mlops
