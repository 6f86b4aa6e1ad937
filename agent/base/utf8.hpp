// UTF-8 as in RFC 3629, section 4: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace mlops {

// Bytes of the sequence at the start of the text: 1 to 4, or 0 if there is none (or the text is empty).
std::size_t utf8_length(std::string_view text);

// The first byte that is not part of a valid sequence; npos if there is none.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace mlops
