// Failures that are nobody's expected outcome, with what was being done when they happened.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// Why something failed, for those who must tell cases apart.
enum class ErrorKind {
  other,
  denied,       // EACCES or EPERM: another identity may be allowed
  unsafe_path,  // a step on the way to a path is in other hands (see domains/files/safe_path.hpp)
  cancelled,    // the person interrupted
  unavailable,  // a part of this machine that is needed is not there: no systemd, no such account
  privilege,    // the right to act as another identity could not be had
  unsynced,     // it was done, and a power cut may still undo it
};

// An exception whose levels each add what they were doing. what() is "doing: doing: message", outermost first.
class Error : public std::exception {
 public:
  explicit Error(std::string message, ErrorKind kind = ErrorKind::other);

  // Adds an outer level: "while inspecting user[ubuntu]". Returns itself, to be rethrown.
  Error& while_doing(std::string doing);
  // The last lines that a failed program printed, shown apart from the message.
  Error& with_output(std::string output);

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }  // the innermost cause alone
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

// Thrown by an overlay's reader: the answer depends on a program that has not run yet. Modules let it pass.
struct Unknown {
  std::vector<std::string> waits_for;  // labels of resources: "package[docker.io]"; may be empty
  std::string reason;                  // when it waits for no resource: "needs root to read /etc/shadow"
};

}  // namespace mlops
