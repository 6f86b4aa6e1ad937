// The command line.
#pragma once

namespace mlops {

// Parses it, runs the command, and returns the exit status (cli/exit_code.hpp). Exceptions that no command
// caught pass through.
int run_program(int argc, char** argv);

}  // namespace mlops
