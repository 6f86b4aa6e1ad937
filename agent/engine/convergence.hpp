// Inspects a resource until it is as desired, and has stayed so for as long as its type requires.
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/attempt_result.hpp"
#include "engine/instance.hpp"
#include "engine/run_context.hpp"
#include "engine/run_values.hpp"

namespace mlops {

bool has_state_changes(const Diff& diff);
// The state changes that remain, without sensitive values:
// "mode is 0644, expected 0600, content is …, expected …".
std::string describe_rest(const Diff& diff);

class Convergence {
 public:
  // Both must outlive it.
  Convergence(const RunContext& context, RunValues& values) : context_(context), values_(values) {}

  // After acting: Changed, or Failed with what still differs. Keeps the outputs, and completes changes whose
  // values could not be known before. Error if it cannot be inspected.
  AttemptResult prove(const Instance& instance, std::vector<Change> changes, std::vector<std::string> maybe);
  // Before acting: the difference. A state that was just reached is inspected again, by `inspect`, until it
  // counts as settled, or until it differs. Error if it does neither.
  Diff settled_diff(const Instance& instance, std::any& current, const std::function<std::any()>& inspect);
  // It is as desired, and takes effect: its outputs are kept, and commands find its folders in PATH.
  void take_effect(const Instance& instance, const std::any& current);
  // Only the latter.
  void extend_path(const Instance& instance, const std::any& current);

 private:
  AttemptResult not_converged(const Instance& instance, std::string reason, std::vector<Change> changes,
                              std::vector<std::string> maybe);
  std::string evidence(const Instance& instance);
  void pause();

  const RunContext& context_;
  RunValues& values_;
};

}  // namespace mlops
