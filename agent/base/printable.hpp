// The one place where text that others wrote (hosts, packages, files, programs, people) becomes fit for a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

enum class Tabs { escape, keep };

// Whether a terminal would act on the code point, or hide what stands around it, rather than show it: Unicode's
// controls (C0, DEL, C1), the bidirectional controls, zero-width characters, line separators and tags.
bool steers_terminal(std::uint32_t code_point);

// The code point of one valid UTF-8 sequence.
std::uint32_t code_point_of(std::string_view sequence);

// The text with everything that steers a terminal made visible: controls as \n, \t, \r, \x1b or \u009b,
// bidirectional controls and line separators as \u202e, bytes that are no UTF-8 as \xff.
std::string printable(std::string_view text, Tabs tabs = Tabs::escape);

// The same, but for a message of several lines: a newline stays one, and what follows it is indented where it is not,
// so that no line of somebody else's begins where ours do. Tabs are kept.
std::string printable_lines(std::string_view text);

// Length in code points; of invalid UTF-8, the bytes that do not continue a sequence.
std::size_t code_points(std::string_view text);

// Columns that a printable text takes on a terminal, without escape sequences: wide characters take two, combining ones
// none (wcwidth(3)).
std::size_t columns(std::string_view text);

// At most limit code points, the last one … where something was cut off.
std::string cut(std::string text, std::size_t limit);

// Text in words, broken into lines of at most width columns, the first of first_width. A word that is longer is
// broken. Escape sequences of ours (ESC [ … m) take no room. At least one line; width and first_width at least 1.
std::vector<std::string> wrapped(std::string_view text, std::size_t first_width, std::size_t width);

}  // namespace mlops
