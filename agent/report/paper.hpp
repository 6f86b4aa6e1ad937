// How a line looks on the terminal: its colours, and where it breaks. Shared by the report of a run and by the commands
// that list things.
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

// Whether to use colour, for --color's auto, always or never. no_color is the environment's NO_COLOR, null when
// it is not set; it counts when it is not empty (no-color.org).
bool want_colour(std::string_view choice, const char* no_color, bool is_terminal);

class Paper {
 public:
  // width: columns; 0: lines are as long as they need to be.
  Paper(bool colour, int width) : colour_(colour), width_(width > 0 ? static_cast<std::size_t>(width) : 0) {}

  // For the file: its size where it is a terminal. choice: as want_colour takes it.
  static Paper of(std::FILE* file, std::string_view choice);

  std::size_t width() const { return width_; }
  // The text in that colour; as it is without colour.
  std::string coloured(const char* code, std::string_view text) const;

  // head and then text, which wraps under its own column: that of head's end, or column where it is given (a head that
  // is longer than column pushes the text to the right, or to the next line where it does not fit). Both printable.
  // No newline at the end.
  std::string hanging(std::string_view head, std::string_view text, std::size_t column = 0) const;

  // Printable lines, each ended: those that are too long are wrapped, and what follows is indented by four
  // columns more.
  std::string fitted(std::string_view lines) const;

 private:
  bool colour_;
  std::size_t width_;
};

}  // namespace mlops
