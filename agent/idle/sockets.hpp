// The TCP sockets of this machine with what they moved, from the kernel (sock_diag(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

struct TcpSocket {
  std::uint64_t inode = 0;
  std::uint64_t cookie = 0;  // never given to another socket of this boot
  std::uint32_t uid = 0;     // of its creator
  std::uint16_t port = 0;    // its own
  bool listening = false;
  std::string address;    // where it listens: "127.0.0.1", "::1", and "0.0.0.0" or "::" for every one; else ""
  bool only_ipv6 = true;  // one that listens on "::" takes no IPv4
  std::uint64_t bytes = 0;  // received, and sent and acknowledged (tcp_info)
};

// Those that listen or are connected. Error if the kernel does not tell, or not of all of them.
std::vector<TcpSocket> tcp_sockets();
// Those that listen.
std::vector<TcpSocket> listening_sockets();

// Reads one part of the kernel's answer to a dump of sock_diag; false if it was the last. Error if the dump
// failed, changed meanwhile or makes no sense. part: aligned as a nlmsghdr.
bool read_socket_dump(std::string_view part, std::vector<TcpSocket>& into);

// The one of these sockets that gets a connection to the numeric address of the loopback; absent if there is
// none, or sockets of several users could get it.
std::optional<TcpSocket> listener_at(const std::vector<TcpSocket>& sockets, const std::string& address,
                                     std::uint16_t port);

}  // namespace mlops
