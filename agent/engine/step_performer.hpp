// Performs the steps of a run on its host: numbers them, and notes what they write.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/claims.hpp"
#include "engine/instance.hpp"
#include "engine/recheck.hpp"
#include "machine/host.hpp"

namespace mlops {

class StepPerformer {
 public:
  // changed: collects the resources that wrote something; null: not needed. All must outlive it.
  StepPerformer(Host& host, Recheck& recheck, Failures* changed)
      : host_(host), recheck_(recheck), changed_(changed) {}

  // What follows is done for the resource with this label.
  void begin(const std::string& label);
  // Of the current resource.
  const std::string& label() const { return label_; }

  // What is journalled of a step that makes these changes.
  StepInfo describe_step(const Instance& instance, std::vector<Change> changes);
  // Performs one step, for the instance alone. Error if an action fails; the others of the step may be done.
  void perform(const Instance& instance, StepInfo info, std::span<const Action> actions);
  // See Host::perform; label: for which resource progress is shown.
  std::vector<std::optional<Error>> perform(const Identity& identity, const std::string& label,
                                            std::span<const Step> steps);
  // The actions were performed, or some of them.
  void note_written(const Instance& instance, std::span<const Action> actions);

 private:
  Host& host_;
  Recheck& recheck_;
  Failures* changed_;
  std::string label_;
  std::uint64_t sequence_ = 0;  // of the last step
};

}  // namespace mlops
