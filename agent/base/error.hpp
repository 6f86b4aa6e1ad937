// Unexpected failures, with the operations during which they happened.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// The kind of failure, for callers that must distinguish.
enum class ErrorKind {
  other,
  denied,       // EACCES or EPERM: another identity may be allowed
  unsafe_path,  // a component of a path is not trusted (see domains/files/safe_path.hpp)
  cancelled,    // the person interrupted
  unavailable,  // a required part of this machine is missing: no systemd, no such account
  privilege,    // the privilege to run as another identity could not be obtained
  unsynced,     // it was done, and a power cut may still undo it
};

// An exception to which each level adds what it was doing. what() is "doing: doing: message", outermost first.
class Error : public std::exception {
 public:
  explicit Error(std::string message, ErrorKind kind = ErrorKind::other);

  // Adds an outer level: "while inspecting user[ubuntu]". Returns itself, to be rethrown.
  Error& while_doing(std::string doing);
  // The last lines of a failed program's output, shown separately from the message.
  Error& with_output(std::string output);

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }  // the innermost cause only
  const std::vector<std::string>& trace() const { return trace_; }
  const std::string& output() const { return output_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorKind kind_;
  std::string message_, output_, text_;
  std::vector<std::string> trace_;  // innermost first
};

// "doing: No such file or directory", with EACCES and EPERM as ErrorKind::denied.
Error system_error(std::string_view doing, int errno_value);

// Thrown by an overlay's reader: the answer depends on a program that has not run yet. Modules do not catch it.
struct Unknown {
  std::vector<std::string> waits_for;  // labels of resources: "package[docker.io]"; may be empty
  std::string reason;                  // if it waits for no resource: "needs root to read /etc/shadow"
};

}  // namespace mlops
