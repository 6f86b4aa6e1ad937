#include "base/frame.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace mlops {
namespace {

// Avoids busy waiting on a descriptor that another process made non-blocking.
void wait_until_ready(int fd, short events) {
  pollfd one{fd, events, 0};
  static_cast<void>(::poll(&one, 1, -1));
}

bool read_exactly(int fd, char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::read(fd, data, size);
    if (n < 0 && errno == EAGAIN) wait_until_ready(fd, POLLIN);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

void send_frame(int fd, std::string_view payload) {
  if (payload.size() > frame_limit)
    throw Error(fmt::format("a message of {} bytes is more than a pipe may carry at once", payload.size()));
  const auto size = static_cast<std::uint32_t>(payload.size());
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof size);
  bytes.append(payload);
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EAGAIN) wait_until_ready(fd, POLLOUT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) throw system_error("cannot write to the pipe", errno);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::optional<std::string> receive_frame(int fd, std::uint32_t limit) {
  std::uint32_t size = 0;
  if (!read_exactly(fd, reinterpret_cast<char*>(&size), sizeof size)) return std::nullopt;
  if (size > limit) throw Error(fmt::format("a message of {} bytes came, more than are taken at once", size));
  // Memory grows with the bytes received: an announced length alone allocates nothing.
  constexpr std::size_t step = 1u << 20;
  std::string payload;
  while (payload.size() < size) {
    const std::size_t have = payload.size();
    payload.resize(have + std::min<std::size_t>(step, size - have));
    if (!read_exactly(fd, payload.data() + have, payload.size() - have)) return std::nullopt;
  }
  return payload;
}

}  // namespace mlops
