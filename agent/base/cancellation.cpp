#include "base/cancellation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace mlops {

Cancellation::Cancellation() {
  if (::pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) throw system_error("cannot make a pipe", errno);
}

Cancellation::~Cancellation() {
  ::close(pipe_[0]);
  ::close(pipe_[1]);
}

void Cancellation::cancel() noexcept {
  if (cancelled_.exchange(true)) return;
  const int saved = errno;
  [[maybe_unused]] const ssize_t written = ::write(pipe_[1], "", 1);
  errno = saved;
}

void Cancellation::check() const {
  if (cancelled()) throw Error("interrupted", ErrorKind::cancelled);
}

}  // namespace mlops
