// Text without what surrounds it.
#pragma once

#include <string_view>

namespace mlops {

// Without the characters at both ends that are among these: what isspace(3) takes for blank.
inline std::string_view trimmed(std::string_view text, std::string_view characters = " \t\n\v\f\r") {
  const std::size_t first = text.find_first_not_of(characters);
  return first == text.npos ? std::string_view()
                            : text.substr(first, text.find_last_not_of(characters) + 1 - first);
}

}  // namespace mlops
