// Running programs whose only purpose is their answer: guards and verifications.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/action.hpp"
#include "model/error.hpp"

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
  // The Error with which it could not be started, where that is certain: its program is not there. Absent where it is
  // there, or nobody can say. Starts nothing.
  virtual std::optional<Error> cannot_start(const Command&) const { return std::nullopt; }
  // Where its program is looked for, in order: absolute paths. Empty where nobody can say.
  virtual std::vector<std::string> places(const Command&) const { return {}; }
};

}  // namespace mlops
