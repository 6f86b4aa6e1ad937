// The one place where text from outside (hosts, packages, files, programs, people) is made safe for a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

enum class Tabs { escape, keep };

// Whether a terminal would act on the code point, or hide text around it, rather than show it: Unicode's
// controls (C0, DEL, C1), the bidirectional controls, zero-width characters, line separators and tags.
bool steers_terminal(std::uint32_t code_point);

// The code point of one valid UTF-8 sequence.
std::uint32_t code_point_of(std::string_view sequence);

// The text with all terminal control characters made visible: controls as \n, \t, \r, \x1b or \u009b,
// bidirectional controls and line separators as \u202e, invalid UTF-8 bytes as \xff.
std::string printable(std::string_view text, Tabs tabs = Tabs::escape);

// The same for a message of several lines: newlines are kept, and following lines are indented if they are not,
// so that no foreign line starts where the agent's own lines do. Tabs are kept.
std::string printable_lines(std::string_view text);

// Length in code points; for invalid UTF-8, the bytes that are not continuation bytes.
std::size_t code_points(std::string_view text);

// Columns that a printable text takes on a terminal, without escape sequences: wide characters take two,
// combining ones none (wcwidth(3)).
std::size_t columns(std::string_view text);

// At most limit code points, the last one … if the text was shortened.
std::string cut(std::string text, std::size_t limit);

// Text split into words, and wrapped to lines of at most width columns, the first of first_width. A longer word
// is broken. Our own escape sequences (ESC [ … m) take no space. At least one line; width and first_width at
// least 1.
std::vector<std::string> wrapped(std::string_view text, std::size_t first_width, std::size_t width);

}  // namespace mlops
