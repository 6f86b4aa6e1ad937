// How values, changes, times and sizes read to people. Shared by the reporters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/change.hpp"

namespace mlops {

enum class Tabs { escape, keep };

// The text with everything that could steer a terminal or hide what it says made visible: control characters
// (C0, DEL, C1) as \n, \t, \r, \x1b or \u009b, bidirectional controls and line separators (U+2028 and the like)
// as \u202e, bytes that are no UTF-8 as \xff.
std::string printable(std::string_view text, Tabs tabs = Tabs::escape);

// Length in code points; of invalid UTF-8, the bytes that do not continue a sequence.
std::size_t code_points(std::string_view text);
// At most limit code points, the last one … where something was cut off.
std::string cut(std::string text, std::size_t limit);

// A value as part of a sentence, printable, cut to limit code points: texts bare ("" when empty), yes and no,
// none for null, lists with commas, objects as JSON.
std::string in_words(const Value& value, std::size_t limit);

// A change in a few words: "create", "mode 0600 → 0644", "content +3 −1", "groups + docker",
// "docker.io 24.0.5". Values are cut to limit code points; sensitive ones are ***.
std::string in_words(const Change& change, std::size_t limit);

// "9,998"
std::string grouped(std::uint64_t number);
// "0.004 s", "0.04 s", "31.2 s", "2 min 05 s", "1 h 02 min"
std::string duration(double seconds);
// Decimal units: "512 B", "61.0 MB"
std::string byte_size(std::uint64_t bytes);

}  // namespace mlops
