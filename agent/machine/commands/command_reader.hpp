// Running programs whose only purpose is their answer: guards and verifications.
#pragma once

#include <string>

#include "model/action.hpp"

namespace mlops {

struct CommandResult {
  int status = 0;          // exit status; 128 + n when signal n ended it
  bool timed_out = false;  // ended by us after timeout_ms; status is 124
  std::string output;      // stdout, the last 1 MiB
  std::string errors;      // stderr, the last 1 MiB
  bool stalled = false;    // ended by us after stall_ms; status is 124
};

class CommandReader {
 public:
  virtual ~CommandReader() = default;
  // Runs it and waits. An exit status is a value; a program that cannot be started is an Error that says which.
  virtual CommandResult run(const Command& command) const = 0;
};

}  // namespace mlops
