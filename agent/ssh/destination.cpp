#include "ssh/destination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.hpp"

namespace mlops {
namespace {

std::uint16_t port_of(const std::string& name, std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535)
    throw Error(fmt::format("{:?}: {:?} is no port (1 to 65535)", name, text));
  return static_cast<std::uint16_t>(port);
}

// "host", "host:port", "[host]:port", "2001:db8::1".
void take_host(const std::string& name, std::string_view rest, SshDestination& d) {
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) throw Error(fmt::format("{:?}: the ] is missing", name));
    d.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (rest.empty()) return;
    if (!rest.starts_with(':')) throw Error(fmt::format("{:?}: a :port was expected after the ]", name));
    d.port = port_of(name, rest.substr(1));
    return;
  }
  const auto colon = rest.find(':');
  const bool address = colon != std::string_view::npos && rest.find(':', colon + 1) != std::string_view::npos;
  d.host = rest.substr(0, address ? std::string_view::npos : colon);
  if (!address && colon != std::string_view::npos) d.port = port_of(name, rest.substr(colon + 1));
}

}  // namespace

void check_host_name(const std::string& name, const std::string& host) {
  const bool bad =
      host.empty() || host.starts_with('-') || std::any_of(host.begin(), host.end(), [](unsigned char c) {
        return c <= ' ' || c == 0x7f ||
               std::string_view("'`\"$\\;&<>|(){},").find(char(c)) != std::string_view::npos;
      });
  if (bad)
    throw Error(fmt::format("{:?} is no host: an alias of ~/.ssh/config or user@host:port was expected", name));
}

void check_user_name(const std::string& name, const std::string& user) {
  const bool bad = user.empty() || user.starts_with('-') || user.ends_with('\\') ||
                   std::any_of(user.begin(), user.end(), [](unsigned char c) {
                     return c <= ' ' || c == 0x7f ||
                            std::string_view("'`\";&<>|(){}").find(char(c)) != std::string_view::npos;
                   });
  if (bad) throw Error(fmt::format("{:?}: what stands before the @ is no user name", name));
}

SshDestination ssh_destination(const std::string& name) {
  SshDestination d;
  std::string_view rest = name;
  if (rest.starts_with("ssh://")) {
    rest.remove_prefix(6);
    if (rest.ends_with('/')) rest.remove_suffix(1);
  }
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    d.user = rest.substr(0, at);
    check_user_name(name, d.user);
    rest.remove_prefix(at + 1);
  }
  take_host(name, rest, d);
  check_host_name(name, d.host);
  return d;
}

}  // namespace mlops
