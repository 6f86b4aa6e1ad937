// Times as the kernel gives them.
#pragma once

#include <cstdint>
#include <ctime>

namespace mlops {

// Nanoseconds since the epoch, for a time of stat(2).
inline std::int64_t nanoseconds(const std::timespec& t) {
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace mlops
