// The state of a step.
#pragma once

#include <cstdint>

namespace mlops {

// The numbers are stored in the column steps.state.
enum class StepState : std::int64_t {
  begun = 0,
  done = 1,
  failed = 2,
  // its result is not trusted: begun by a run that never ended, or failed in doubt (then with a reason)
  interrupted = 3,
  recovered = 4,  // interrupted, and since then found or made converged
};

constexpr std::int64_t number_of(StepState state) { return static_cast<std::int64_t>(state); }

}  // namespace mlops
