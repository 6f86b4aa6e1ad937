#include "idle/loopback_http.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/printable.hpp"
#include "base/socket_address.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t largest_answer = 1u << 20;

void await(int socket, short events, Clock::time_point end) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd one{socket, events, 0};
    const int ready = left > 0 ? ::poll(&one, 1, static_cast<int>(left)) : 0;
    if (ready > 0) return;
    if (ready == 0) throw Error("it does not answer");
    if (errno != EINTR) throw system_error("waiting for its answer", errno);
  }
}

void send_all(int socket, const std::string& text, Clock::time_point end) {
  for (std::size_t at = 0; at < text.size();) {
    await(socket, POLLOUT, end);
    const ssize_t n = ::send(socket, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) throw system_error("asking it", errno);
    at += static_cast<std::size_t>(n);
  }
}

std::string receive_all(int socket, Clock::time_point end) {
  std::string answer;
  std::array<char, 16 * 1024> part;
  for (;;) {
    await(socket, POLLIN, end);
    const ssize_t n = ::recv(socket, part.data(), part.size(), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) throw system_error("reading its answer", errno);
    if (n == 0) return answer;
    answer.append(part.data(), static_cast<std::size_t>(n));
    if (answer.size() > largest_answer) throw Error("its answer is too long");
  }
}

Handle connected_to(const SocketAddress& place, Clock::time_point end) {
  Handle socket(::socket(place.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw system_error("making a socket", errno);
  if (::connect(socket.get(), place.get(), place.size) == 0) return socket;
  if (errno != EINPROGRESS) throw system_error("connecting to it", errno);
  await(socket.get(), POLLOUT, end);
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) throw system_error("connecting to it", error);
  return socket;
}

// The body of a whole answer.
std::string body_of(const std::string& answer) {
  const std::size_t head = answer.find("\r\n\r\n"), line = answer.find("\r\n");
  if (head == answer.npos || !answer.starts_with("HTTP/1."))
    throw Error("what listens there is no HTTP server");
  if (answer.compare(8, 5, " 200 ") != 0)
    throw Error("it answers " + printable(answer.substr(0, std::min<std::size_t>(line, 100))));
  return answer.substr(head + 4);
}

}  // namespace

std::string get_from_loopback(const LoopbackRequest& r) {
  const auto place = numeric_address(r.address, r.port);
  if (!place) throw Error(fmt::format("{} is no address", printable(r.address)));
  const auto end = Clock::now() + r.patience;
  const Handle socket = connected_to(*place, end);
  if (r.connected) r.connected();
  send_all(socket.get(),
           fmt::format("GET {} HTTP/1.0\r\nHost: localhost:{}\r\nAccept: application/json\r\n{}\r\n", r.path,
                       r.port, r.headers),
           end);
  return body_of(receive_all(socket.get(), end));
}

}  // namespace mlops
