// One GET to a program on this machine, with the body of its answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace mlops {

struct LoopbackRequest {
  std::string address;  // numeric
  std::uint16_t port = 0;
  std::string path;
  std::string headers;  // whole lines, each with its CRLF
  // Called once it is connected and nothing is sent yet; what it throws ends the request. Whoever sends a
  // secret finds out here who gets it.
  std::function<void()> connected;
  std::chrono::milliseconds patience{5000};  // for all of it
};

// Over HTTP/1.0. Error if it is not answered in time, with another status than 200, or with more than 1 MiB.
std::string get_from_loopback(const LoopbackRequest& request);

}  // namespace mlops
