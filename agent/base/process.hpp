// Starts a child process and waits for it: the only way in which this program runs another.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/error.hpp"
#include "base/fields.hpp"

namespace mlops {

// A program to run. argv[0] is looked up in PATH of env. cwd "" is the home of the acting user.
struct Command {
  std::vector<std::string> argv;
  std::string cwd;
  std::map<std::string, std::string> env;  // added to the clean environment of the acting user
  std::optional<std::string> input;        // stdin; absent: /dev/null
  std::uint64_t timeout_ms = 0;            // 0: none
  // terminated after this long without a byte moved by it or its children; 0: never
  std::uint64_t stall_ms = 0;
  std::vector<std::string> path;  // folders put before PATH
  static constexpr auto fields() {
    return std::tuple(without_passwords("argv", &Command::argv), field("cwd", &Command::cwd),
                      unrecorded("env", &Command::env), unrecorded("input", &Command::input),
                      unrecorded("timeout_ms", &Command::timeout_ms),
                      unrecorded("stall_ms", &Command::stall_ms), unrecorded("path", &Command::path));
  }
  friend bool operator==(const Command&, const Command&) = default;
};

struct CommandResult {
  int status = 0;          // exit status; 128 + n if signal n ended it
  bool timed_out = false;  // terminated after timeout_ms; status is 124
  std::string output;      // stdout, the last 1 MiB
  std::string errors;      // stderr, the last 1 MiB
  bool stalled = false;    // terminated after stall_ms; status is 124
};

// The user whose environment the process gets: HOME, USER, LOGNAME, SHELL. It runs with this process's
// privileges.
struct ActingUser {
  std::string name, home, shell;
  std::uint32_t uid = 0, gid = 0;
};

struct ProcessOptions {
  const Cancellation* cancellation = nullptr;
  // On cancellation: interrupt sends SIGTERM to its process group, SIGKILL after 5 s, and throws Error
  // cancelled; finish lets it end (dpkg).
  enum class OnCancel { interrupt, finish } on_cancel = OnCancel::interrupt;
  bool outlive_us = false;    // true: it is not killed when this process dies (dpkg); else PR_SET_PDEATHSIG
  bool merge_output = false;  // stderr goes where stdout goes, in order
  std::function<void(std::string_view line)> on_line;  // each line of stdout as it comes, without its newline
};

// Runs it in a session of its own, with only stdin, stdout and stderr open, in a clean environment: HOME, USER,
// LOGNAME, SHELL, PATH, LANG=C.UTF-8, the proxy variables, and command.env over them. argv only, no shell. No
// signal is blocked or ignored in it. Output beyond the last 1 MiB is dropped. Error if it cannot be started
// (names the program), Error cancelled. An exit status is a value.
CommandResult run_process(const Command& command, const ActingUser& who, const ProcessOptions& options = {});

// The absolute path of a program as command.path and PATH would find it; "" if there is none. Starts nothing.
std::string find_program(const std::string& name, const Command& command, const ActingUser& who);
// Where find_program searches, in order: absolute paths.
std::vector<std::string> program_places(const std::string& name, const Command& command, const ActingUser& who);
// The Error with which run_process could not start it, if its program is in none of the searched folders.
// Absent if it is, or a folder cannot be read with this process's privileges.
std::optional<Error> program_error(const Command& command, const ActingUser& who);

}  // namespace mlops
