#include "base/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mlops {
namespace {

bool is_plain(char c) {
  const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alphanumeric || std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// bash's $'…', for characters that would disturb a terminal.
std::string escaped(std::string_view word) {
  std::string text = "$'";
  for (const char c : word) {
    if (c == '\n')
      text += "\\n";
    else if (c == '\t')
      text += "\\t";
    else if (c == '\'' || c == '\\')
      text += std::string("\\") + c;
    else if (is_control(c))
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      text += c;
  }
  return text + "'";
}

}  // namespace

std::string shell_word(std::string_view word) {
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  if (std::any_of(word.begin(), word.end(), is_control)) return escaped(word);
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string command_line(const std::vector<std::string>& argv) {
  std::string line;
  for (const std::string& word : argv) line += (line.empty() ? "" : " ") + shell_word(word);
  return line;
}

std::string short_command_line(const std::vector<std::string>& argv, std::size_t columns) {
  std::string line = command_line(argv);
  if (line.size() <= columns) return line;
  std::size_t end = columns;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;  // not inside a code point
  return line.substr(0, end) + "…";
}

std::string duration_text(std::uint64_t ms) {
  if (ms % 1000 != 0) return fmt::format("{} ms", ms);
  const std::uint64_t seconds = ms / 1000;
  if (seconds == 0 || seconds % 60 != 0) return fmt::format("{} s", seconds);
  return seconds % 3600 == 0 ? fmt::format("{} h", seconds / 3600) : fmt::format("{} min", seconds / 60);
}

std::string last_lines(std::string_view text, std::size_t count) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::size_t from = text.size();
  for (std::size_t lines = 0; lines < count && from > 0; ++lines) {
    const std::size_t newline = text.rfind('\n', from - 1);
    if (newline == std::string_view::npos) return std::string(text);
    from = newline;
  }
  return std::string(text.substr(std::min(from + 1, text.size())));
}

}  // namespace mlops
