#include "resource/locator.hpp"

#include <algorithm>
#include <string_view>

namespace mlops {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::uint32_t code_points(std::string_view text) {
  return static_cast<std::uint32_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

// The length of one character in the raw JSON, and the number of UTF-8 bytes that it represents.
struct Character {
  std::size_t raw = 1, decoded = 1;
};

unsigned code_unit(std::string_view digits) {
  unsigned unit = 0;
  for (const char c : digits) {
    const char low = static_cast<char>(c | 0x20);
    unit = unit * 16 + static_cast<unsigned>(low >= 'a' ? low - 'a' + 10 : c - '0');
  }
  return unit;
}

Character first_character(std::string_view raw) {
  if (raw[0] == '\\') {
    if (raw.size() < 6 || raw[1] != 'u') return {2, 1};
    const unsigned unit = code_unit(raw.substr(2, 4));
    if (unit >= 0xD800 && unit < 0xDC00) return {12, 4};
    return {6, unit < 0x80 ? 1u : unit < 0x800 ? 2u : 3u};
  }
  Character s;
  while (s.raw < raw.size() && continues(raw[s.raw])) ++s.raw;
  s.decoded = s.raw;
  return s;
}

}  // namespace

Position Locator::inside(const Value& text, std::size_t offset) {
  Position where = text.where;
  if (!where.source) return where;
  const std::string_view decoded = text.as_string();
  offset = std::min(offset, decoded.size());
  std::string_view raw = std::string_view(where.source->text).substr(byte_of(where));
  // A value of --set is written without quotes and escapes.
  if (raw.empty() || raw[0] != '"' || raw.starts_with(decoded)) {
    where.column += code_points(decoded.substr(0, offset));
    return where;
  }
  raw.remove_prefix(1);
  ++where.column;
  for (std::size_t done = 0; done < offset && !raw.empty();) {
    const Character s = first_character(raw);
    const std::string_view written = raw.substr(0, s.raw);
    where.column += code_points(written);
    raw.remove_prefix(written.size());
    done += s.decoded;
  }
  return where;
}

bool Locator::is_text(const Position& where) {
  return where.source && std::string_view(where.source->text).substr(byte_of(where)).starts_with('"');
}

std::size_t Locator::byte_of(const Position& where) {
  const std::string& text = where.source->text;
  Lines& lines = sources_[where.source];
  if (lines.starts.empty()) {
    lines.starts.push_back(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
    for (std::size_t i = text.find('\n'); i != std::string::npos; i = text.find('\n', i + 1))
      lines.starts.push_back(i + 1);
  }
  if (where.line == 0 || where.line > lines.starts.size()) return text.size();
  if (lines.line != where.line || lines.column > where.column) {
    lines.line = where.line;
    lines.column = 1;
    lines.byte = lines.starts[where.line - 1];
  }
  for (; lines.column < where.column && lines.byte < text.size(); ++lines.column)
    while (++lines.byte < text.size() && continues(text[lines.byte])) {
    }
  return lines.byte;
}

}  // namespace mlops
