// The time of day.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

// Microseconds since the epoch.
std::int64_t microseconds_now();
// Microseconds since the epoch as "2026-11-26 09:12:03", in the local time zone.
std::string local_time(std::int64_t microseconds);

}  // namespace mlops
