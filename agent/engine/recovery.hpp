// Deals with steps that earlier runs began and never ended.
#pragma once

#include <string>
#include <vector>

#include "engine/instance.hpp"
#include "engine/run_context.hpp"
#include "engine/step_performer.hpp"

namespace mlops {

class Recovery {
 public:
  // Must outlive it.
  explicit Recovery(const RunContext& context) : context_(context) {}

  // Sets interrupted, untrusted, interruption and note of the instance, whose identity is decided.
  //
  // A step belongs to the resource that it was recorded for, and to a resource of the same type with the same
  // claims. A step known only from another user's database counts only for resources that run as that user.
  void find_interrupted(Instance& instance) const;
  // What has to be done first for an untrusted instance; mostly nothing.
  std::vector<Action> actions(const Instance& instance) const;
  // Does it. Error if it fails.
  void perform(Instance& instance, const std::vector<Action>& actions, StepPerformer& performer) const;

 private:
  const RunContext& context_;
};

}  // namespace mlops
