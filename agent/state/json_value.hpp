// Values as stored in the state: JSON, with binary data in hex.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/value.hpp"

namespace mlops {

// Null if the text is not JSON.
Value parse_kept(const std::string& json);

// Text, or {"hex": "…"} if the bytes are not UTF-8, and back. "" for anything else.
Value kept_text(std::string_view bytes);
std::string text_of(const Value* kept);
// For a list of them, as JSON.
std::string kept_texts(const std::vector<std::string>& texts);
// Empty if it is not a list.
std::vector<std::string> texts_of(const std::string& json);

}  // namespace mlops
