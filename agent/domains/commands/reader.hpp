// Runs programs that only answer a question: guards and verifications.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"

namespace mlops {

class CommandReader {
 public:
  virtual ~CommandReader() = default;
  // Runs it and waits. An exit status is a value; a program that cannot be started is an Error that names it.
  virtual CommandResult run(const Command& command) const = 0;
  // The Error with which it could not be started, if it is certain that its program does not exist. Absent if
  // it exists, or this cannot be determined. Starts nothing.
  virtual std::optional<Error> cannot_start(const Command&) const { return std::nullopt; }
  // Where its program is searched for, in order: absolute paths. Empty if this cannot be determined.
  virtual std::vector<std::string> places(const Command&) const { return {}; }
};

}  // namespace mlops
