#include "domains/downloads/mirror.hpp"

#include <fmt/format.h>

#include <cctype>

#include "domains/downloads/remote_place.hpp"

namespace mlops {
namespace {

// RFC 3986, 3.3: characters that a path may contain unescaped.
std::string encode(const std::string& path) {
  std::string s;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos)
      s += c;
    else
      s += fmt::format("%{:02X}", byte);
  }
  return s;
}

}  // namespace

Mirror::Mirror(std::string place)
    : place_(std::move(place)), is_url_(place_.starts_with("http://") || place_.starts_with("https://")) {
  while (place_.size() > 1 && place_.ends_with('/')) place_.pop_back();
}

std::optional<std::string> Mirror::place_of(const std::string& url) const {
  const auto remote = place_.empty() ? std::nullopt : remote_place(url);
  if (!remote) return {};
  return fmt::format("{}/{}/{}", place_, remote->host, is_url_ ? encode(remote->path) : remote->path);
}

}  // namespace mlops
