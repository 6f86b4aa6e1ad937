// What is asked of a helper, and what it replies: every query of a machine, and what else a run does through
// it.
//
// For the two ends of the pipe only, which put them into the wire format.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domains/query.hpp"
#include "machine/journal.hpp"

namespace mlops::privilege {

using Done = bool;  // the reply of requests without a result
using Errors = std::vector<std::optional<Error>>;

struct Perform {
  using Result = Done;
  std::vector<Action> actions;
};
struct PerformTogether {
  using Result = Errors;
  std::vector<std::vector<Action>> lists;
};
struct PerformSteps {
  using Result = Errors;
  std::vector<StepInfo> purposes;
  std::vector<std::vector<Action>> lists;
};
struct Configure {
  using Result = Done;
  std::string mirror;
  JournalOptions journal;
  std::map<std::string, std::string> environment;
};
struct TakeLock {
  using Result = Done;
  std::string playbook;
  std::uint64_t wait_ms;
};
struct OpenJournal {
  using Result = PriorRunState;
  RunHeader run;
};
struct MarkRecovered {
  using Result = Done;
  std::vector<StepName> steps;
};
struct Conclude {
  using Result = Done;
  std::string outcome;
};
struct Cancel {
  using Result = Done;
};

using Controls = TypeList<Perform, PerformTogether, PerformSteps, Configure, TakeLock, OpenJournal,
                          MarkRecovered, Conclude, Cancel>;
using Request = Joined<AllQueries, Controls>::Variant;

// The first byte of a reply's frame; progress and notices come before the result or error that ends a request.
enum class Frame : std::uint8_t { result, error, progress, notice };

}  // namespace mlops::privilege
