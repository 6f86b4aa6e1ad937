// Who takes connections after the changes of a plan.
#pragma once

#include <vector>

#include "domains/action.hpp"
#include "domains/network/reader.hpp"

namespace mlops {

class OverlayNetwork {
 public:
  // What base says, with the units that were started and stopped in thought upon it.
  std::optional<Listener> listener(const NetworkReader& base, const std::string& address,
                                   std::uint16_t port) const;
  void apply(const ChangeUnit& change) { changes_.push_back(change); }

 private:
  std::vector<ChangeUnit> changes_;  // in order
};

}  // namespace mlops
