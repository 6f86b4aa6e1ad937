// Who listens on a port or a Unix socket of this machine, from /proc
// (Documentation/networking/proc_net_tcp.rst).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// A socket that takes connections, and a process that holds it.
struct Listener {
  std::string address;     // as bound: "127.0.0.1", "0.0.0.0", "::1", "::"; of a Unix socket its path
  std::uint16_t port = 0;  // 0: a Unix socket
  std::uint32_t uid = 0;   // of who made it; of a Unix socket whose holder is not known, of who made its file
  std::optional<int> pid;  // absent where this process may not look into the one that holds it
  std::string program;     // its name: "nginx", "jupyter-notebook"; "" when pid is absent
  std::string unit;        // the unit of systemd that it belongs to: "nginx.service"; "" for none
  friend bool operator==(const Listener&, const Listener&) = default;
};

// The socket that stands in the way of binding address:port, which is the one that a connection to there
// reaches: one bound to that very address, or to all of them. address is numeric (IPv4 or IPv6). proc is for
// tests.
std::optional<Listener> listener_on(const std::string& address, std::uint16_t port,
                                    const std::string& proc = "/proc");
// The one that listens on a Unix socket of that path; absent also when the file is there and nobody listens any
// more.
std::optional<Listener> listener_on_socket(const std::string& path, const std::string& proc = "/proc");

// "nginx (pid 812)", "nginx (pid 812, nginx.service)", "a program of uid 33": for messages.
std::string describe(const Listener& listener);

}  // namespace mlops
