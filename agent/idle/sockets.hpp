// The TCP sockets of this machine with what they moved, from the kernel (sock_diag(7)).
#pragma once

#include <cstdint>
#include <vector>

namespace mlops {

struct TcpSocket {
  std::uint64_t inode = 0;
  std::uint64_t cookie = 0;  // never given to another socket of this boot
  std::uint32_t uid = 0;     // of its creator
  std::uint16_t port = 0;    // its own
  bool listening = false;
  std::uint64_t bytes = 0;  // received, and sent and acknowledged (tcp_info)
};

// Those that listen or are connected. Error if the kernel does not tell.
std::vector<TcpSocket> tcp_sockets();

}  // namespace mlops
