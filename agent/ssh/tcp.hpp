// A TCP connection to another host.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/cancellation.hpp"
#include "base/handle.hpp"
#include "ssh/deadline.hpp"

namespace mlops {

struct TcpTarget {
  std::string host;  // a name or an address
  std::uint16_t port = 22;
  enum class Family { any, ipv4, ipv6 } family = Family::any;
  std::string bind_address;  // the address to connect from; ""
};

// Connects to the first of the host's addresses that responds; the next one is tried if one has failed or has
// not responded within 250 ms (RFC 8305 section 5). The socket has TCP_NODELAY, and the system gives up on
// bytes that were not acknowledged for 15 s. Error unavailable with the attempts; Error cancelled.
// found: called once the addresses are known.
Handle connect_tcp(const TcpTarget& target, const Deadline& deadline, const Cancellation& cancellation,
                   const std::function<void()>& found = {});

}  // namespace mlops
