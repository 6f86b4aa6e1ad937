// Addresses of sockets, as the kernel takes them.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace mlops {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// For a numeric IPv4 or IPv6 address; absent for anything else.
std::optional<SocketAddress> numeric_address(const std::string& host, std::uint16_t port);

}  // namespace mlops
