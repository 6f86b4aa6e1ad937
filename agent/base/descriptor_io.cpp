#include "base/descriptor_io.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.hpp"

namespace mlops {
namespace {

[[noreturn]] void fail(std::string_view doing, std::string_view object) {
  const int error = errno;
  std::string what(doing);
  if (!object.empty()) (what += ' ') += object;
  throw system_error(what, error);
}

}  // namespace

void write_all(int fd, std::string_view bytes, std::string_view doing, std::string_view object) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(doing, object);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string read_all(int fd, std::size_t limit, std::string_view doing, std::string_view object) {
  std::string text;
  std::array<char, 16384> block;
  while (text.size() <= limit) {
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(doing, object);
    if (n == 0) break;
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  return text;
}

}  // namespace mlops
