// Which program takes connections at a place of this machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/endpoint.hpp"

namespace mlops {

// Reads /proc/net/tcp, tcp6 and unix (proc(5)), then the descriptors of all processes that may be seen. "`python3 -m
// http.server` (process 812)"; "a program of postgres's" where its process cannot be seen; "another user's program"
// where not even that is known. Absent when nobody listens there. A wildcard address and any address of the same port
// are the same place; a host that is a name stands for the loopback.
std::optional<std::string> listener_of(const Endpoint& place);

// What listener_of looks for in one line of a table of /proc/net. For tests.
struct ListeningSocket {
  unsigned long inode = 0;
  unsigned uid = 0;
};
// A line of /proc/net/tcp or tcp6 that listens at address (16 bytes, IPv4 mapped) and port; absent for any other.
std::optional<ListeningSocket> match_tcp_line(std::string_view line, const unsigned char (&address)[16],
                                              std::uint16_t port);

}  // namespace mlops
