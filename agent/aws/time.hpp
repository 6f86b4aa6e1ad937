// The forms in which AWS writes a moment. All moments are seconds since the epoch, UTC.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mlops::aws {

using Seconds = std::int64_t;
// The time of day; another in tests.
using Now = std::function<Seconds()>;
Seconds system_now();

// "20260801T120000Z", as signatures have it; its first eight characters are the date.
std::string basic_time(Seconds moment);
// "2026-08-01T12:00:00Z".
std::string iso_time(Seconds moment);
// ISO 8601: "2026-08-01T12:00:00Z", also with a fraction, an offset, or "UTC" for Z. Absent for anything else.
std::optional<Seconds> parse_iso_time(std::string_view text);
// RFC 9110's preferred form: "Sat, 01 Aug 2026 12:00:00 GMT". Absent for anything else.
std::optional<Seconds> parse_http_date(std::string_view text);

}  // namespace mlops::aws
