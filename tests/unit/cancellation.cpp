#include "base/cancellation.hpp"

#include <poll.h>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace mlops;

namespace {
bool readable(int fd) {
  pollfd p = {fd, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}
}  // namespace

TEST_CASE("a cancellation is seen by looking and by poll, and stays") {
  Cancellation c;
  CHECK_FALSE(c.cancelled());
  CHECK_FALSE(readable(c.fd()));
  CHECK_NOTHROW(c.check());
  c.cancel();
  c.cancel();
  CHECK(c.cancelled());
  CHECK(readable(c.fd()));
  CHECK(readable(c.fd()));
  try {
    c.check();
    FAIL("check() did not throw");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::cancelled);
    CHECK(std::string(e.what()) == "interrupted");
  }
}

TEST_CASE("cancelling keeps errno, as a signal handler must") {
  Cancellation c;
  errno = 42;
  c.cancel();
  CHECK(errno == 42);
}
