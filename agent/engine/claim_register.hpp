// Collects what the resources of a run claim, to compare it once all values are filled in.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "engine/instance.hpp"
#include "model/diagnostic.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

class ClaimRegister {
 public:
  // claimed: see RunOptions. Both must outlive it.
  ClaimRegister(const Playbook& playbook, std::vector<ClaimedObject>* claimed);

  void add(const Instance& instance);
  // Adds a mistake for each pair that conflicts.
  void check(Diagnostics& mistakes) const;

 private:
  bool compares_ = false;  // else all claims were compared when the playbook was loaded
  std::vector<ClaimedObject>* claimed_;
  std::vector<ClaimHolder> holders_;
  std::deque<Value> filled_;  // the parameters that holders_ point to
};

}  // namespace mlops
