// The end of a connection: a TCP port of a host, or a Unix socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fields.hpp"

namespace mlops {

// As text: "localhost:8888", "[::1]:8888", "/run/app.sock".
struct Endpoint {
  std::string host;  // a name, or an address without brackets; "" if path is set
  std::uint16_t port = 0;
  std::string path;  // absolute; "" if host is set

  bool is_socket() const { return !path.empty(); }
  bool empty() const { return host.empty() && path.empty(); }
  // With brackets around an IPv6 address, so that it can follow "http://". "" if empty.
  std::string to_text() const;
  static constexpr auto fields() {
    return std::tuple(field("host", &Endpoint::host), field("port", &Endpoint::port),
                      field("path", &Endpoint::path));
  }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// "8888" (at default_host), "HOST:8888", "[ADDRESS]:8888", "*:8888" (HOST "0.0.0.0"), "/a/path". Absent for
// anything else: a port is 1 to 65535, a host up to 255 of letters, digits, '.', '-', '_', and ':' and '%'
// within brackets.
std::optional<Endpoint> parse_endpoint(std::string_view text, std::string_view default_host);

// Whether other machines can connect to it: true unless it is a Unix socket, localhost, or a loopback address
// (127.0.0.0/8, ::1).
bool is_reachable_from_outside(const Endpoint& endpoint);

}  // namespace mlops
