// UTF-8 as RFC 3629, section 4 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace mlops {

// Bytes of the sequence that text begins with: 1 to 4, or 0 where it begins with none (or is empty).
std::size_t utf8_length(std::string_view text);

// The first byte that belongs to no sequence; npos when all do.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace mlops
