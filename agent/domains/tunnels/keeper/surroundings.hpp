// Events after which a tunnel's host may be reachable again, or no longer: the machine woke up, the network
// changed.
#pragma once

#include <chrono>

#include "base/handle.hpp"

namespace mlops {

class Surroundings {
 public:
  Surroundings();
  // Becomes readable when addresses or routes change (rtnetlink(7)); -1 if not available.
  int fd() const { return netlink_.get(); }
  // What happened since the last call. woke: this machine slept in between (CLOCK_BOOTTIME advanced while
  // CLOCK_MONOTONIC stood still). network: what fd() reported.
  enum class Change { none, network, woke };
  Change look();

 private:
  Handle netlink_;
  std::chrono::nanoseconds slept_{0};
};

}  // namespace mlops
