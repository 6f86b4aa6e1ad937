// Listening programs on this machine, and their HTTP responses.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "domains/network/listeners.hpp"

namespace mlops {

// One GET over HTTP/1.0 to a program on this machine. The address is numeric.
struct HttpGet {
  std::string address = "127.0.0.1";
  std::uint16_t port = 80;
  std::string path = "/";                      // with its query, exactly as sent in the request
  std::map<std::string, std::string> headers;  // besides Host
  std::uint64_t timeout_ms = 5'000;            // from connecting to the response's first line
};

class NetworkReader {
 public:
  virtual ~NetworkReader() = default;
  // The listener that prevents listening there; see listener_on. A simulated machine also knows the declared
  // ports of units whose start is simulated: for those only address, port and unit are set.
  virtual std::optional<Listener> listener_at(const std::string& address, std::uint16_t port) const = 0;
  // The status of the response (RFC 9112 section 4); absent on a timeout, or if it is not HTTP.
  virtual std::optional<int> http_status(const HttpGet& get) const = 0;
};

}  // namespace mlops
