#include "domains/cloud/object_name.hpp"

#include <algorithm>
#include <charconv>

namespace mlops {
namespace {

constexpr std::string_view region_mark = "region=", profile_mark = "profile=";

// Blanks, control characters and the sign itself.
std::string escaped(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte != 0x7f && c != '%') {
      out += c;
      continue;
    }
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '%') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    unsigned byte = 0;
    if (text.size() < 3 || std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr != text.data() + 3)
      return std::nullopt;
    out += static_cast<char>(byte);
    text.remove_prefix(3);
  }
  return out;
}

std::string_view next_word(std::string_view& text) {
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

}  // namespace

std::string to_string(const CloudObject& object) {
  std::string text = object.type + ' ' + escaped(object.name);
  if (!object.scope.region.empty()) text.append(" ").append(region_mark).append(escaped(object.scope.region));
  if (!object.scope.profile.empty())
    text.append(" ").append(profile_mark).append(escaped(object.scope.profile));
  return text;
}

std::optional<CloudObject> parse_cloud_object(std::string_view text) {
  CloudObject object;
  object.type = next_word(text);
  const auto name = unescaped(next_word(text));
  if (object.type.empty() || !name || name->empty()) return std::nullopt;
  object.name = *name;
  while (!text.empty()) {
    std::string_view word = next_word(text);
    const bool region = word.starts_with(region_mark);
    if (!region && !word.starts_with(profile_mark)) return std::nullopt;
    word.remove_prefix(region ? region_mark.size() : profile_mark.size());
    auto value = unescaped(word);
    if (!value) return std::nullopt;
    (region ? object.scope.region : object.scope.profile) = *std::move(value);
  }
  return object;
}

}  // namespace mlops
