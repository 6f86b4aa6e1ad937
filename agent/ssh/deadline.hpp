// A time limit.
#pragma once

#include <algorithm>
#include <chrono>

namespace mlops {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(std::chrono::milliseconds from_now) : end_(Clock::now() + from_now), whole_(from_now) {}
  // Never negative; rounded up, so that a wait for it is not too short.
  int milliseconds_left() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now()).count();
    return static_cast<int>(std::clamp<long>(left, 0, 3'600'000));
  }
  bool passed() const { return Clock::now() >= end_; }
  std::chrono::milliseconds whole() const { return whole_; }
  // The time that a person took to answer does not count.
  void extend(Clock::duration by) { end_ += by; }

 private:
  Clock::time_point end_;
  std::chrono::milliseconds whole_;
};

}  // namespace mlops
