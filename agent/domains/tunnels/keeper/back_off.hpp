// The delay before a host is retried.
#pragma once

#include <algorithm>
#include <chrono>

namespace mlops {

// 0.25 s, then doubled up to a minute, each randomized by up to a fifth so that many clients do not retry at
// once. A connection that lasted for a minute resets the delay: one that breaks at once does not.
class BackOff {
 public:
  using Time = std::chrono::milliseconds;
  static constexpr Time first{250}, longest{60'000}, stood_well{60'000};

  // chance: from 0 to 1.
  Time next(double chance) {
    const Time base = next_;
    next_ = std::min(next_ * 2, longest);
    return Time(static_cast<Time::rep>(static_cast<double>(base.count()) * (0.8 + 0.4 * chance)));
  }
  void stood(Time time) {
    if (time >= stood_well) reset();
  }
  void reset() { next_ = first; }

 private:
  Time next_ = first;
};

}  // namespace mlops
