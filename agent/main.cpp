#include <cstdio>
#include <exception>

#include "cli/exit_code.hpp"
#include "cli/program.hpp"

int main(int argc, char** argv) {
  try {
    return mlops::run_program(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "mlops-agent: %s\n", e.what());
    return mlops::exit_not_started;
  }
}
