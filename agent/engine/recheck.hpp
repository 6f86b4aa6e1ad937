// Inspects resources again at the end of a play, if a later one wrote to their claims.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/claims.hpp"
#include "engine/instance.hpp"
#include "engine/run_values.hpp"
#include "machine/host.hpp"
#include "model/event.hpp"

namespace mlops {

// Kept of a finished instance.
struct ResourceRecord : Element {
  std::string label;
  Identity identity;
  Outcome outcome = Outcome::ok;
  bool made = false;   // it did not exist before
  Claims real_claims;  // as an instance's

  // It is as desired, and its type is not a mere verification. acted: see RunOptions.
  bool is_converged(Outcome acted) const;
};

class Recheck {
 public:
  // Both must outlive it.
  Recheck(RunValues& values, Host& host, Outcome acted) : values_(values), host_(host), acted_(acted) {}

  // The instance, which finishes next, did these actions, or some of them.
  void note_written(const Instance& instance, std::span<const Action> actions);
  // It has finished.
  void add(ResourceRecord record) { records_.push_back(std::move(record)); }
  // In the order in which they finished.
  const std::vector<ResourceRecord>& records() const { return records_; }

  // Inspects those from this place on whose claims a later resource wrote. Calls drifted with each that is no
  // longer as desired, and the reason; its outcome is not_converged then.
  using Drifted = std::function<void(const ResourceRecord& record, Outcome was, const std::string& reason)>;
  void look_again(std::size_t first, const Drifted& drifted);

 private:
  std::string drift_of(std::size_t place) const;

  RunValues& values_;
  Host& host_;
  Outcome acted_;
  Written written_;
  std::vector<ResourceRecord> records_;
};

}  // namespace mlops
