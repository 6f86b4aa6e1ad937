#include "base/socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace mlops {

std::optional<SocketAddress> numeric_address(const std::string& host, std::uint16_t port) {
  SocketAddress a;
  auto* four = reinterpret_cast<sockaddr_in*>(&a.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&a.storage);
  if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    a.size = sizeof *four;
  } else if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    a.size = sizeof *six;
  } else {
    return std::nullopt;
  }
  return a;
}

}  // namespace mlops
