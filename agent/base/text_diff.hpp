// Differences between texts, for people.
#pragma once

#include <string>
#include <string_view>

namespace mlops {

// A unified diff of lines (three lines of context) without file headers; "" if they are equal or either is not
// text (contains a NUL or invalid UTF-8). A missing newline at the end is marked as in diff(1). Above 20,000
// lines or 4 MiB it is "" too.
std::string unified_diff(std::string_view before, std::string_view after);

// The same from after to before.
std::string reversed_diff(std::string_view diff);

}  // namespace mlops
