#include "base/url_password.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace mlops {
namespace {

constexpr std::string_view mask = "***";

struct Range {
  std::size_t from = 0, size = 0;
};

// Where the password is, in the URL whose "://" is at `at`.
std::optional<Range> password_of(std::string_view text, std::size_t at) {
  std::size_t scheme = at;
  while (scheme > 0 && std::isalpha(static_cast<unsigned char>(text[scheme - 1]))) --scheme;
  const std::size_t from = at + 3;
  const std::size_t host_end = std::min(text.find_first_of("/?# \t\r\n\"'<>", from), text.size());
  const std::size_t sign = text.substr(0, host_end).rfind('@');
  if (sign == std::string_view::npos || sign < from) return std::nullopt;
  const std::size_t colon = text.substr(0, sign).find(':', from);
  const bool web = text.substr(scheme, at - scheme).starts_with("http");
  if (colon == std::string_view::npos && !web) return std::nullopt;
  const std::size_t begin = colon == std::string_view::npos ? from : colon + 1;
  if (begin == sign || text.substr(begin, sign - begin) == mask) return std::nullopt;
  return Range{begin, sign - begin};
}

std::optional<Range> next_password(std::string_view text, std::size_t& after) {
  for (std::size_t at = text.find("://", after); at != std::string_view::npos; at = text.find("://", at + 3))
    if (const auto found = password_of(text, at)) return after = at + 3, found;
  return std::nullopt;
}

}  // namespace

std::string without_url_passwords(std::string text) {
  for (std::size_t after = 0; const auto found = next_password(text, after);)
    text.replace(found->from, found->size, mask);
  return text;
}

bool holds_url_password(std::string_view text) {
  std::size_t after = 0;
  return next_password(text, after).has_value();
}

}  // namespace mlops
