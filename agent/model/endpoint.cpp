#include "model/endpoint.hpp"

#include <algorithm>
#include <charconv>

namespace mlops {
namespace {

constexpr std::size_t longest_host = 255;  // RFC 1035 section 2.3.4

bool is_host(std::string_view text, std::string_view also) {
  const auto allowed = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           also.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= longest_host && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), allowed);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::string Endpoint::to_text() const {
  if (is_socket() || empty()) return path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<Endpoint> parse_endpoint(std::string_view text, std::string_view default_host) {
  if (text.starts_with('/')) {
    if (text.size() < 2 || text.find('\0') != std::string_view::npos) return std::nullopt;
    return Endpoint{"", 0, std::string(text)};
  }
  const std::size_t colon = text.rfind(':');
  const bool alone = colon == std::string_view::npos;
  const auto port = parse_port(alone ? text : text.substr(colon + 1));
  if (!port) return std::nullopt;
  if (alone) return Endpoint{std::string(default_host), *port, ""};
  std::string_view host = text.substr(0, colon);
  if (host == "*") return Endpoint{"0.0.0.0", *port, ""};
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (!is_host(host, brackets ? ".-_:%" : ".-_")) return std::nullopt;
  return Endpoint{std::string(host), *port, ""};
}

bool is_reachable_from_outside(const Endpoint& endpoint) {
  const std::string& host = endpoint.host;
  return !endpoint.is_socket() && host != "localhost" && host != "::1" && !host.starts_with("127.");
}

}  // namespace mlops
