// Values as the state keeps them: JSON, with bytes that are no text in hex.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/value.hpp"

namespace mlops {

// Null where the text is no JSON.
Value parse_kept(const std::string& json);

// A text, or {"hex": "…"} where the bytes are no UTF-8, and back. "" for anything else.
Value kept_text(std::string_view bytes);
std::string text_of(const Value* kept);
// Of a list of them, as JSON; none where it is no list.
std::vector<std::string> texts_of(const std::string& json);

}  // namespace mlops
