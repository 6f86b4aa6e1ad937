#include "domains/network/local.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/socket_address.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_status_line = 256;  // "HTTP/1.1 200 OK" and a reason; anything longer is not HTTP

// Waits until the socket is ready, the timeout (false), or an interruption by the person.
bool ready(int socket, short events, Clock::time_point end, const Cancellation& cancellation) {
  for (;;) {
    cancellation.check();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> fds{{{socket, events, 0}, {cancellation.fd(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
    if (fds[0].revents) return true;
  }
}

// "HTTP/1.1 200 OK" -> 200
std::optional<int> status_of(std::string_view line) {
  if (!line.starts_with("HTTP/")) return std::nullopt;
  const std::size_t space = line.find(' ');
  if (space == line.npos || line.size() < space + 4) return std::nullopt;
  int status = 0;
  const char* end = line.data() + space + 4;
  const auto read = std::from_chars(line.data() + space + 1, end, status);
  return read.ec == std::errc() && read.ptr == end ? std::optional(status) : std::nullopt;
}

}  // namespace

std::optional<int> LocalNetwork::http_status(const HttpGet& get) const {
  const auto address = numeric_address(get.address, get.port);
  if (!address) return std::nullopt;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(get.timeout_ms);
  const Handle socket(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw system_error("cannot make a socket", errno);
  if (::connect(socket.get(), address->get(), address->size) != 0 && errno != EINPROGRESS) return std::nullopt;

  const bool six = address->family() == AF_INET6;
  std::string request = fmt::format("GET {} HTTP/1.0\r\nHost: {}{}{}:{}\r\n", get.path, six ? "[" : "",
                                    get.address, six ? "]" : "", get.port);
  for (const auto& [name, value] : get.headers) request += fmt::format("{}: {}\r\n", name, value);
  request += "\r\n";
  for (std::string_view rest = request; !rest.empty();) {
    if (!ready(socket.get(), POLLOUT, end, cancellation_)) return std::nullopt;
    const ssize_t n = ::send(socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  }

  std::string line;
  while (line.find('\n') == line.npos && line.size() < longest_status_line) {
    if (!ready(socket.get(), POLLIN, end, cancellation_)) return std::nullopt;
    std::array<char, longest_status_line> buffer{};
    const ssize_t n = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return std::nullopt;
    line.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return status_of(line.substr(0, line.find('\n')));
}

}  // namespace mlops
