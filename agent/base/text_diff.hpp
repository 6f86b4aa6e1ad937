// Differences between texts, for people.
#pragma once

#include <string>
#include <string_view>

namespace mlops {

// A unified diff of lines (three lines of context) without file headers; "" when they are equal or when either is no
// text (holds a NUL or is no UTF-8). A missing newline at the end is marked as diff(1) does. Above 20,000 lines or
// 4 MiB it is "" too.
std::string unified_diff(std::string_view before, std::string_view after);

// The same from after to before.
std::string reversed_diff(std::string_view diff);

}  // namespace mlops
