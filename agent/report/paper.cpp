#include "report/paper.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/printable.hpp"

namespace mlops {
namespace {

constexpr std::size_t least_room = 24;   // columns; with fewer, the text is placed below its head
constexpr std::size_t below_indent = 6;  // of text that is placed below its head

}  // namespace

bool want_colour(std::string_view choice, const char* no_color, bool is_terminal) {
  if (choice == "always") return true;
  return choice != "never" && is_terminal && !(no_color && *no_color);
}

Paper Paper::of(std::FILE* file, std::string_view choice) {
  const int fd = ::fileno(file);
  const bool is_terminal = ::isatty(fd) == 1;
  winsize size{};
  const bool sized = is_terminal && ::ioctl(fd, TIOCGWINSZ, &size) == 0;
  return {want_colour(choice, std::getenv("NO_COLOR"), is_terminal), sized ? size.ws_col : 0};
}

std::string Paper::coloured(const char* code, std::string_view text) const {
  if (!colour_ || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string Paper::hanging(std::string_view head, std::string_view text, std::size_t column) const {
  const std::size_t begin = columns(head);
  if (width_ == 0 || begin + columns(text) <= width_) return std::string(head).append(text);
  std::string out;
  const auto put = [&](std::string_view part, std::size_t indent) {
    const std::size_t room = std::max<std::size_t>(width_ - indent, 1);
    for (const std::string& line : wrapped(part, out.empty() ? width_ : room, room)) {
      if (!out.empty()) (out += '\n').append(indent, ' ');
      out += line;
    }
  };
  const std::size_t below = std::min(below_indent, width_ / 4);
  std::size_t indent = column ? column : begin;
  if (indent + least_room > width_) indent = below;
  if (begin <= indent) {  // side by side: the text's first line has the same room as the others
    const std::size_t room = std::max<std::size_t>(width_ - indent, 1);
    out = head;
    out.append(indent - begin, ' ');
    bool first = true;
    for (const std::string& line : wrapped(text, room, room)) {
      if (!std::exchange(first, false)) (out += '\n').append(indent, ' ');
      out += line;
    }
    return out;
  }
  while (head.ends_with(' ')) head.remove_suffix(1);
  put(head, below);
  put(text, indent);
  return out;
}

std::string Paper::fitted(std::string_view lines) const {
  if (width_ == 0) return std::string(lines);
  std::string out;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t own = std::min(line.find_first_not_of(' '), line.size());
    if (own + below_indent >= width_ || columns(line) <= width_) {
      out.append(line) += '\n';
      continue;
    }
    std::size_t indent = own;
    for (const std::string& part : wrapped(line.substr(own), width_ - own, width_ - own - 4)) {
      out.append(indent, ' ').append(part) += '\n';
      indent = own + 4;
    }
  }
  return out;
}

}  // namespace mlops
