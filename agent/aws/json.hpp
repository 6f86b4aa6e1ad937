// Reading the JSON of AWS, of caches and of programs.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "model/value.hpp"

namespace mlops::aws {

// name says what the text is, for the error: "FILE:3:7: not JSON". No part of the text is in the error: it may
// hold secrets.
Value parse_json(const std::string& text, const std::string& name);

// The member at the end of the path of names; null if there is none.
const Value* member_at(const Value& value, std::initializer_list<std::string_view> path);
// Its text; "" if it is absent or no text.
std::string text_at(const Value& value, std::initializer_list<std::string_view> path);

}  // namespace mlops::aws
