#include <fcntl.h>

#include <cstdio>
#include <exception>

#include "base/printable.hpp"
#include "cli/exit_code.hpp"
#include "cli/program.hpp"

namespace {

// If started with one of 0, 1 and 2 closed, the next opened file would take its number, and reports would be
// written into it.
void keep_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR));
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_streams();
  try {
    return mlops::run_program(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "mlops-agent: %s\n", mlops::printable_lines(e.what()).c_str());
    return mlops::exit_not_started;
  }
}
