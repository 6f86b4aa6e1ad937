// The boundary between desired state and its execution: what can be read and done on one machine as one
// identity. There are four implementations: the machine itself (local), the machine through a helper with other
// privileges (piped), one that asks the helper only if it must (elevating), and the simulation (overlay).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/progress.hpp"
#include "domains/action.hpp"
#include "domains/domains.hpp"

namespace mlops {

class Machine : public MachineReader {
 public:
  // Performs in order; the first failure stops with an Error, and earlier actions stay done. An action is
  // atomic as far as the system allows.
  virtual void perform(std::span<const Action> actions) = 0;

  // Performs several independent lists, sharing their syncs where possible. Returns one error per list, absent
  // on success; a failed list does not stop the others.
  virtual std::vector<std::optional<Error>> perform_together(std::span<const std::span<const Action>> lists);

  // Drops cached folders and names, after another process may have changed them.
  virtual void invalidate_caches() {}
};

}  // namespace mlops
