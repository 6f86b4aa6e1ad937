// How the reads of tunnels are recorded in a plan.
#include <fmt/format.h>

#include "domains/tunnels/domain.hpp"

namespace mlops {

void note(const ReadTunnel& q, const ReadTunnel::Result& found, Preconditions& p) {
  p["tunnel " + q.name] = found ? fmt::format("tunnel {} via {} to {}", found->settings.listen.to_text(),
                                              found->settings.via, found->settings.target.to_text())
                                : "absent";
}
void note(const ReadListener& q, const ReadListener::Result& found, Preconditions& p) {
  p["who listens at " + q.place.to_text()] = found ? "somebody" : "nobody";
}

}  // namespace mlops
