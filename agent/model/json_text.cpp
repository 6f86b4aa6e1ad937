#include "model/json_text.hpp"

#include <algorithm>
#include <cstring>

namespace mlops {
namespace {

const char* find(const char* p, const char* end, char c) {
  const void* found = std::memchr(p, c, static_cast<std::size_t>(end - p));
  return found ? static_cast<const char*>(found) : end;
}

// For valid UTF-8: every byte that is not a continuation byte.
std::uint32_t count_code_points(const char* p, const char* end) {
  std::uint32_t count = 0;
  for (; p != end; ++p) count += (static_cast<unsigned char>(*p) & 0xc0u) != 0x80u;
  return count;
}

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// p if no complete comment begins there.
const char* comment_end(const char* p, const char* end) {
  if (end - p < 2) return p;
  if (p[1] == '/') return std::find_if(p, end, [](char c) { return c == '\n' || c == '\r'; });
  if (p[1] != '*') return p;
  for (const char* star = p + 2; (star = find(star, end, '*')) != end; ++star)
    if (star + 1 != end && star[1] == '/') return star + 2;
  return p;
}

}  // namespace

Position Cursor::operator()(const char* place) {
  for (const char* feed; (feed = find(at_, place, '\n')) != place;) {
    at_ = feed + 1;
    ++line_;
    column_ = 1;
  }
  column_ += count_code_points(at_, place);
  at_ = place;
  return {source_, line_, column_};
}

const char* skip_blank(const char* p, const char* end) {
  for (;;) {
    while (p != end && is_blank(*p)) ++p;
    if (p == end || *p != '/') return p;
    const char* const after = comment_end(p, end);
    if (after == p) return p;
    p = after;
  }
}

const char* text_end(const char* p, const char* end) {
  const char* const first = p + 1;
  for (const char* quote = first; (quote = find(quote, end, '"')) != end; ++quote) {
    const char* slash = quote;
    while (slash != first && slash[-1] == '\\') --slash;
    if ((quote - slash) % 2 == 0) return quote + 1;
  }
  return end;
}

const char* number_end(const char* p, const char* end) {
  const auto digits = [&] {
    while (p != end && *p >= '0' && *p <= '9') ++p;
  };
  if (p != end && *p == '-') ++p;
  if (p != end && *p == '0') {
    ++p;
  } else {
    digits();
  }
  if (p != end && *p == '.') {
    ++p;
    digits();
  }
  if (p == end || (*p != 'e' && *p != 'E')) return p;
  ++p;
  if (p != end && (*p == '+' || *p == '-')) ++p;
  digits();
  return p;
}

}  // namespace mlops
