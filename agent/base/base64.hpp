// Base64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mlops {

// White space in it is skipped. Absent if it is not base64.
std::optional<std::string> from_base64(std::string_view text);
// With padding, on one line.
std::string to_base64(std::string_view bytes);

}  // namespace mlops
