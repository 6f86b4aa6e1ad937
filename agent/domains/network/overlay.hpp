// Listening programs after the changes of a plan.
#pragma once

#include <vector>

#include "domains/network/reader.hpp"
#include "domains/services/actions.hpp"
#include "domains/simulation.hpp"

namespace mlops {

class OverlayNetwork : public AssumingOverlay {
 public:
  static OverlayNetwork over(const MachineReader& /*real*/, const MachineReader& /*root*/) { return {}; }

  // base's listeners, adjusted for units whose start or stop is simulated.
  std::optional<Listener> listener(const NetworkReader& base, const std::string& address,
                                   std::uint16_t port) const;
  void apply(const ChangeUnit& change) { changes_.push_back(change); }

 private:
  std::vector<ChangeUnit> changes_;  // in order
};

}  // namespace mlops
