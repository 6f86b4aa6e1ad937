// The program that listens on a port or a Unix socket of this machine, from /proc
// (Documentation/networking/proc_net_tcp.rst).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// A listening socket, and a process that holds it.
struct Listener {
  std::string address;     // as bound: "127.0.0.1", "0.0.0.0", "::1", "::"; of a Unix socket its path
  std::uint16_t port = 0;  // 0: a Unix socket
  std::uint32_t uid = 0;   // of its creator; of a Unix socket whose holder is not known, the owner of its file
  std::optional<int> pid;  // absent if this process may not inspect the holder
  std::string program;     // its name: "nginx", "jupyter-notebook"; "" if pid is absent
  std::string unit;        // the systemd unit that it belongs to: "nginx.service"; "" for none
  friend bool operator==(const Listener&, const Listener&) = default;
};

// The socket that prevents binding address:port, which is also the one that a connection to it reaches: bound
// to that very address, or to all of them. address is numeric (IPv4 or IPv6). proc is for tests.
std::optional<Listener> listener_on(const std::string& address, std::uint16_t port,
                                    const std::string& proc = "/proc");
// The listener on a Unix socket of that path; absent also if the file exists but nobody listens any more.
std::optional<Listener> listener_on_socket(const std::string& path, const std::string& proc = "/proc");

// "nginx (pid 812)", "nginx (pid 812, nginx.service)", "a program of uid 33": for messages.
std::string describe(const Listener& listener);

}  // namespace mlops
