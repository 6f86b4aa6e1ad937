#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace mlops {
namespace {

bool between(char c, unsigned low, unsigned high) {
  const auto u = static_cast<unsigned char>(c);
  return u >= low && u <= high;
}

std::size_t ascii_prefix(const char* begin, const char* end) {
  const char* p = begin;
  for (; end - p >= 8; p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (p != end && !(static_cast<unsigned char>(*p) & 0x80u)) ++p;
  return static_cast<std::size_t>(p - begin);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (text.size() < length) return 0;
  // The second byte's range is narrower after these: overlong forms, surrogates, beyond the last plane.
  const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (!between(text[1], low, high)) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (!between(text[i], 0x80, 0xbf)) return 0;
  return length;
}

std::size_t find_invalid_utf8(std::string_view text) {
  const char* const end = text.data() + text.size();
  for (const char* p = text.data();;) {
    p += ascii_prefix(p, end);
    if (p == end) return std::string_view::npos;
    const std::size_t length = utf8_length({p, static_cast<std::size_t>(end - p)});
    if (length == 0) return static_cast<std::size_t>(p - text.data());
    p += length;
  }
}

}  // namespace mlops
