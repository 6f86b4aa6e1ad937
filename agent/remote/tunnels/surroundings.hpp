// What tells a tunnel that its host may be reachable again, or no longer: the machine woke up, the network changed.
#pragma once

#include <chrono>

#include "machine/files/handle.hpp"

namespace mlops {

class Surroundings {
 public:
  Surroundings();
  // Becomes readable when addresses or routes change (rtnetlink(7)); -1 where that cannot be had.
  int fd() const { return netlink_.get(); }
  // Whether anything changed since the last call: what fd() has told, or that this machine slept in between (its
  // CLOCK_BOOTTIME went on while CLOCK_MONOTONIC stood still).
  bool changed();

 private:
  Handle netlink_;
  std::chrono::nanoseconds slept_{0};
};

}  // namespace mlops
