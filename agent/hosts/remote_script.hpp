// A short shell script on a host, over a connection that is proven.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "ssh/connection.hpp"

namespace mlops {

struct ScriptAnswer {
  int status = 0;
  std::string output;      // at most 64 KiB
  std::string complaints;  // the last of its stderr, on one line, without control characters
};

// How a script is run there.
struct ScriptStart {
  std::string script;                  // for a POSIX shell; sent to its input, so that nothing is quoted
  std::vector<std::string> arguments;  // $1 …: letters, digits and -_=./+:@ only
  bool as_root = false;                // by sudo -n, if the login is not root
  std::chrono::seconds limit{60};
};

// Runs it to its end. $SSH_CONNECTION of the login is kept for root too. Error if the connection is lost, the
// limit passed or more was printed than is kept; cancelled.
ScriptAnswer run_script(Connection& connection, const ScriptStart& start, const Cancellation& cancellation);

}  // namespace mlops
