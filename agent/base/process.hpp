// Starting a child process and waiting for it: the one way in which this program runs another.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/error.hpp"

namespace mlops {

// A program to run. argv[0] is looked up in PATH of env. cwd "" is the home of who acts.
struct Command {
  std::vector<std::string> argv;
  std::string cwd;
  std::map<std::string, std::string> env;  // added to the clean environment of who acts
  std::optional<std::string> input;        // stdin; absent: /dev/null
  std::uint64_t timeout_ms = 0;            // 0: none
  std::uint64_t stall_ms = 0;              // ended when neither it nor what it started moved a byte for so long; 0: never
  std::vector<std::string> path;           // folders put before PATH
};

struct CommandResult {
  int status = 0;          // exit status; 128 + n when signal n ended it
  bool timed_out = false;  // ended by us after timeout_ms; status is 124
  std::string output;      // stdout, the last 1 MiB
  std::string errors;      // stderr, the last 1 MiB
  bool stalled = false;    // ended by us after stall_ms; status is 124
};

// Whose process it will be, for its environment: HOME, USER, LOGNAME, SHELL. It runs with this process's rights.
struct ActingUser {
  std::string name, home, shell;
  std::uint32_t uid = 0, gid = 0;
};

struct ProcessOptions {
  const Cancellation* cancellation = nullptr;
  // On cancellation: interrupt sends SIGTERM to its process group, SIGKILL after 5 s, and throws Error cancelled;
  // finish lets it end (dpkg).
  enum class OnCancel { interrupt, finish } on_cancel = OnCancel::interrupt;
  bool outlive_us = false;  // true: it is not killed when this process dies (dpkg); else PR_SET_PDEATHSIG
  bool merge_output = false;  // stderr goes where stdout goes, in order
  std::function<void(std::string_view line)> on_line;  // each line of stdout as it comes, without its newline
};

// Runs it in a session of its own, with only stdin, stdout and stderr open, in a clean environment: HOME, USER,
// LOGNAME, SHELL, PATH, LANG=C.UTF-8, the proxy variables, and command.env over them. argv only, no shell. No signal
// is blocked or ignored in it. Output beyond the last 1 MiB is dropped.
// Error when it cannot be started (names the program), Error cancelled. An exit status is a value.
CommandResult run_process(const Command& command, const ActingUser& who, const ProcessOptions& options = {});

// The absolute path of a program as command.path and PATH would find it; "" when there is none. Starts nothing.
std::string find_program(const std::string& name, const Command& command, const ActingUser& who);
// Where find_program looks, in order: absolute paths.
std::vector<std::string> program_places(const std::string& name, const Command& command, const ActingUser& who);
// The Error with which run_process could not start it, where no file is where its program is looked for. Absent where
// there is one, or the folder cannot be looked into with this process's rights.
std::optional<Error> program_error(const Command& command, const ActingUser& who);

}  // namespace mlops
