// How far what is done for a resource has come.
#pragma once

#include <cstdint>

namespace mlops {

// Their numbers are those of the column steps.state.
enum class StepState : std::int64_t {
  begun = 0,
  done = 1,
  failed = 2,
  cut_off = 3,  // what it left is not believed: begun by a run that never ended, or failed in doubt (then with a reason)
  healed = 4,   // cut off, and since then found or made as wished
};

constexpr std::int64_t number_of(StepState state) { return static_cast<std::int64_t>(state); }

}  // namespace mlops
