// A TCP socket of this process, on any free port.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace mlops::test {

class ListeningSocket {
 public:
  ListeningSocket(int family, const char* address, bool listens = true)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage at{};
    socklen_t size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    at.ss_family = static_cast<sa_family_t>(family);
    void* into = &reinterpret_cast<sockaddr_in*>(&at)->sin_addr;
    if (family == AF_INET6) into = &reinterpret_cast<sockaddr_in6*>(&at)->sin6_addr;
    if (::inet_pton(family, address, into) != 1 || ::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        (listens && ::listen(fd_, 8) != 0) || ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error("no socket on loopback");
    port_ = ntohs(reinterpret_cast<sockaddr_in*>(&at)->sin_port);  // in the same place for both families
  }
  ~ListeningSocket() { ::close(fd_); }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  std::uint16_t port() const { return port_; }
  int fd() const { return fd_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace mlops::test
