// The firewall of a cloud machine follows this machine's address.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "ssh/settings.hpp"

namespace mlops {

// Lets this machine's present address through the rules that were made for its address (`mlops-agent cloud
// here`, in a process of its own): for a machine of EC2, which does not answer addresses that its rules do not
// name.
class AddressRules {
 public:
  using Clock = std::chrono::steady_clock;
  // Each look asks AWS, and a page for this machine's address.
  static constexpr std::chrono::minutes shortest_pause{5};

  // state: the person's folder of it, whose cloud/here.json says where there are such rules. cancellation must
  // outlive it. log: a line.
  AddressRules(std::string state, const Cancellation& cancellation, std::function<void(const std::string&)> log)
      : state_(std::move(state)), cancellation_(cancellation), log_(std::move(log)) {}

  // A host does not answer. True if rules were moved, so that it may answer now; false also for a host that is
  // no machine of EC2, and within the pause. What fails is logged. Error cancelled.
  // From one thread.
  bool follow(const SshSettings& host);

  // This machine's network has changed: the next call looks at once. Thread-safe.
  void expect_change() { expected_ = true; }

 private:
  std::string state_;
  const Cancellation& cancellation_;
  std::function<void(const std::string&)> log_;
  std::optional<Clock::time_point> last_;
  std::atomic<bool> expected_{false};
};

}  // namespace mlops
