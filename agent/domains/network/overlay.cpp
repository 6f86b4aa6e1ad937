#include "domains/network/overlay.hpp"

#include <algorithm>

namespace mlops {

std::optional<Listener> OverlayNetwork::listener(const NetworkReader& base, const std::string& address,
                                                 std::uint16_t port) const {
  using Verb = ChangeUnit::Verb;
  auto found = base.listener_at(address, port);
  for (const ChangeUnit& change : changes_) {
    const bool starts = change.verb == Verb::start || change.verb == Verb::restart;
    const bool here = std::find(change.listens.begin(), change.listens.end(), port) != change.listens.end();
    const bool elsewhere = starts && !here && !change.listens.empty();
    if ((change.verb == Verb::stop || elsewhere) && found && found->unit == change.unit) found.reset();
    if (starts && here) found = Listener{.address = address, .port = port, .unit = change.unit};
  }
  return found;
}

}  // namespace mlops
