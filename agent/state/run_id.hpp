// Run ids: UUIDs of version 7 (RFC 9562), which sort by time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mlops {

// A new one. It sorts after `last` ("" for none) even if the clock was set back since (RFC 9562, section 6.2).
std::string new_run_id(std::string_view last);

// Its timestamp, in milliseconds since the epoch; 0 if it is not such an id.
std::uint64_t time_of_run_id(std::string_view id);

}  // namespace mlops
