#include "base/wall_clock.hpp"

#include <array>
#include <chrono>
#include <ctime>

namespace mlops {

std::int64_t microseconds_now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

std::string local_time(std::int64_t microseconds) {
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm broken{};
  ::localtime_r(&seconds, &broken);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%F %T", &broken)};
}

}  // namespace mlops
