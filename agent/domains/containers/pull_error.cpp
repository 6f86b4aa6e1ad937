#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/printable.hpp"
#include "domains/containers/engine.hpp"

namespace mlops {
namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

template <std::size_t N>
bool has_any(const std::string& text, const std::array<std::string_view, N>& words) {
  const std::string low = lower_case(text);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return low.find(word) != std::string::npos; });
}

constexpr std::array<std::string_view, 3> limited{"toomanyrequests", "too many requests", "rate limit"};
constexpr std::array<std::string_view, 2> other_platform{"no matching manifest",
                                                         "does not match the specified platform"};
constexpr std::array<std::string_view, 4> denied{"access denied", "denied:", "unauthorized",
                                                 "authentication required"};
constexpr std::array<std::string_view, 3> unknown{"manifest unknown", "not found", "repository name not known"};
constexpr std::array<std::string_view, 1> no_space{"no space left"};
constexpr std::array<std::string_view, 13> network{
    "no such host",     "dial tcp",          "i/o timeout",    "connection refused", "connection reset",
    "no route to host", "unreachable",       "client.timeout", "tls handshake",      "request canceled",
    "unexpected eof",   "temporary failure", "bad gateway"};

}  // namespace

bool is_network_trouble(const std::string& words) {
  return !has_any(words, limited) && has_any(words, network);
}

Error pull_error(const std::string& name, const std::string& platform, const std::string& words) {
  const std::string said = printable(words);
  const auto error = [&](std::string_view what) { return Error(fmt::format("{}: {} ({})", name, what, said)); };
  if (has_any(words, limited))
    return error(
        "the registry's limit of pulls is reached: wait, or take the image from an archive (`file`, "
        "`url`) or a mirror");
  if (has_any(words, other_platform))
    return error(fmt::format("the registry does not have it for {}: ask for another `platform` or tag",
                             platform.empty() ? "this machine's platform" : platform));
  if (is_network_trouble(words))
    return error(
        "the daemon does not reach the registry: look at the machine's network and the daemon's proxy, "
        "or take the image from a mirror");
  if (has_any(words, denied))
    return error(
        "the registry has no such image, or shows it only after a login: correct the name, or `docker "
        "login` and `docker pull` it by hand");
  if (has_any(words, unknown)) return error("the registry has no such image: correct its name or tag");
  if (has_any(words, no_space))
    return error("the daemon's disk is full: `docker system df` shows what takes the space");
  return Error(fmt::format("{}: {}", name, said));
}

}  // namespace mlops
