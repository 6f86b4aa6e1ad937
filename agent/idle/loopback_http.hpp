// One GET to a program on this machine, with the body of its answer.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

// Over HTTP/1.0. headers: whole lines, each with its CRLF. Error if it is not answered within 5 s, with another
// status than 200, or with more than 1 MiB.
std::string get_from_loopback(const std::string& address, std::uint16_t port, const std::string& path,
                              const std::string& headers);

}  // namespace mlops
