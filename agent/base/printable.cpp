#include "base/printable.hpp"

#include <fmt/format.h>
#include <locale.h>
#include <wchar.h>

#include <algorithm>

#include "base/utf8.hpp"

namespace mlops {
namespace {

void append_escaped(std::string& into, std::uint32_t c) {
  switch (c) {
    case '\n':
      into += "\\n";
      break;
    case '\t':
      into += "\\t";
      break;
    case '\r':
      into += "\\r";
      break;
    default:
      if (c < 0x80) {
        into += fmt::format("\\x{:02x}", c);
      } else if (c <= 0xffff) {
        into += fmt::format("\\u{:04x}", c);
      } else {
        into += fmt::format("\\U{:08x}", c);
      }
  }
}

bool plain(char c) { return c >= 0x20 && c < 0x7f; }

// UTF-8's, loaded once: the library reads it from a file each time. Null where there is none.
locale_t utf8_locale() {
  static const locale_t loaded = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return loaded;
}

// wcwidth(3) depends on the thread's locale: sets UTF-8's while this lives.
class WideLocale {
 public:
  WideLocale() : ours_(utf8_locale()) {
    if (ours_) before_ = ::uselocale(ours_);
  }
  ~WideLocale() {
    if (ours_) ::uselocale(before_);
  }
  WideLocale(const WideLocale&) = delete;
  WideLocale& operator=(const WideLocale&) = delete;
  std::size_t width(std::uint32_t code) const {
    if (!ours_) return 1;
    const int columns = ::wcwidth(static_cast<wchar_t>(code));
    return columns < 0 ? 1 : static_cast<std::size_t>(columns);
  }

 private:
  locale_t ours_, before_ = nullptr;
};

// Bytes of the escape sequence at the start of the text; 0 if there is none.
std::size_t escape_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const auto end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

// Where to break a word that is too long: as many characters as fit, at least one.
std::size_t fitting(std::string_view word, std::size_t room) {
  std::size_t at = 0, used = 0;
  while (at < word.size()) {
    if (const std::size_t escape = escape_length(word.substr(at))) {
      at += escape;
      continue;
    }
    const std::size_t length = std::max<std::size_t>(utf8_length(word.substr(at)), 1);
    const std::size_t wide = columns(word.substr(at, length));
    if (used > 0 && used + wide > room) break;
    used += wide;
    at += length;
  }
  return at;
}

}  // namespace

bool steers_terminal(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
         c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

std::uint32_t code_point_of(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence.front());
  if (first < 0x80) return first;
  std::uint32_t code = first & (0xffu >> (sequence.size() + 1));
  for (const char c : sequence.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3fu);
  return code;
}

std::string printable(std::string_view text, Tabs tabs) {
  if (std::all_of(text.begin(), text.end(), plain)) return std::string(text);
  std::string out;
  out.reserve(text.size() + 16);
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::uint32_t code = length ? code_point_of(text.substr(0, length)) : 0;
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (steers_terminal(code) && !(code == '\t' && tabs == Tabs::keep)) {
      append_escaped(out, code);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::string out;
  for (bool first = true;; first = false) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!first) out += line.empty() || line.front() == ' ' ? "\n" : "\n    ";
    out += printable(line, Tabs::keep);
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::size_t columns(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), plain)) return text.size();
  const WideLocale locale;
  std::size_t sum = 0;
  while (!text.empty()) {
    if (const std::size_t escape = escape_length(text)) {
      text.remove_prefix(escape);
      continue;
    }
    const std::size_t length = utf8_length(text);
    sum += length ? locale.width(code_point_of(text.substr(0, length))) : 1;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return sum;
}

std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit || code_points(text) <= limit) return text;
  std::size_t end = 0;
  for (std::size_t points = 0; end < text.size(); ++end)
    if ((text[end] & 0xc0) != 0x80 && ++points >= limit) break;
  text.resize(end);
  return text += limit ? "…" : "";
}

std::vector<std::string> wrapped(std::string_view text, std::size_t first_width, std::size_t width) {
  if (columns(text) <= first_width) return {std::string(text)};
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  const auto room = [&] { return std::max<std::size_t>(lines.size() == 1 ? first_width : width, 1); };
  while (!text.empty()) {
    // A word with the blanks before it; those are dropped at the start of a line.
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    std::string_view word = text.substr(begin, end - begin);
    const std::size_t blanks = begin, wide = columns(word);
    text.remove_prefix(end);
    if (word.empty()) break;
    // A long word is broken to fill a line that it would leave nearly empty.
    if (used > 0 && used + blanks + wide > room() && (wide <= width || used > room() / 2)) {
      lines.emplace_back();
      used = 0;
    } else {
      lines.back().append(blanks, ' ');
      used += blanks;
    }
    while (used + columns(word) > room()) {
      const std::size_t part = fitting(word, room() - std::min(used, room()));
      lines.back() += word.substr(0, part);
      word.remove_prefix(part);
      if (word.empty()) break;
      lines.emplace_back();
      used = 0;
    }
    lines.back() += word;
    used += columns(word);
  }
  return lines;
}

}  // namespace mlops
