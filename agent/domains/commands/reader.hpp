// Running programs whose only purpose is their answer: guards and verifications.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"

namespace mlops {

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
