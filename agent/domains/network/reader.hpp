// Who takes connections on this machine, and what programs on it answer.
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
  std::string path = "/";                      // with its query, as it stands in the request
  std::map<std::string, std::string> headers;  // beside Host
  std::uint64_t timeout_ms = 5'000;            // from connecting to the answer's first line
};

class NetworkReader {
 public:
  virtual ~NetworkReader() = default;
  // Who is in the way of listening there; see listener_on. A what-if machine also knows what units that were
  // started in thought say that they will take: of such a one only address, port and unit are set.
  virtual std::optional<Listener> listener_at(const std::string& address, std::uint16_t port) const = 0;
  // The status of the answer (RFC 9112 section 4); absent where there is none in time, or none that is HTTP.
  virtual std::optional<int> http_status(const HttpGet& get) const = 0;
};

}  // namespace mlops
