// The style of lines on the terminal: colours and wrapping. Shared by the report of a run and by the commands
// that list objects.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace mlops {

// ANSI's "select graphic rendition" parameters (ECMA-48, 8.3.117).
namespace sgr {
inline constexpr const char* bold = "1";
inline constexpr const char* dim = "2";
inline constexpr const char* red = "31";
inline constexpr const char* bold_red = "1;31";
inline constexpr const char* green = "32";
inline constexpr const char* yellow = "33";
inline constexpr const char* magenta = "35";
inline constexpr const char* cyan = "36";
}  // namespace sgr

// Whether to use colour, for --color's auto, always or never. no_color is the environment's NO_COLOR, null if
// it is not set; an empty value is ignored (no-color.org).
bool want_colour(std::string_view choice, const char* no_color, bool is_terminal);

class Paper {
 public:
  // width: columns; 0: lines are not wrapped.
  Paper(bool colour, int width) : colour_(colour), width_(width > 0 ? static_cast<std::size_t>(width) : 0) {}

  // For the file: its size if it is a terminal. choice: as in want_colour.
  static Paper of(std::FILE* file, std::string_view choice);

  std::size_t width() const { return width_; }
  // The text in that colour; unchanged without colour.
  std::string coloured(const char* code, std::string_view text) const;

  // head followed by text, which wraps under its own column: the end of head, or column if it is given (a head
  // longer than column pushes the text to the right, or to the next line if it does not fit). Both printable.
  // No newline at the end.
  std::string hanging(std::string_view head, std::string_view text, std::size_t column = 0) const;

  // Printable lines, each with a newline: lines that are too long are wrapped, with four more columns of
  // indentation for what follows.
  std::string fitted(std::string_view lines) const;

 private:
  bool colour_;
  std::size_t width_;
};

}  // namespace mlops
