// How the reads of services are recorded in a plan.
#include <fmt/format.h>

#include "domains/services/domain.hpp"

namespace mlops {

void note(const ReadUnit& q, const ReadUnit::Result& found, Preconditions& p) {
  p["service " + q.name] = fmt::format("{}, {}, {}", found.load_state, found.active_state, found.enabled_state);
}

}  // namespace mlops
