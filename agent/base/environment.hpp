// The environment a child process gets.
#pragma once

#include <map>
#include <string>

#include "base/process.hpp"

namespace mlops {

// HOME, USER, LOGNAME, SHELL of who acts, a fixed PATH, LANG=C.UTF-8, this process's proxy variables and, for
// its own user, SSH_AUTH_SOCK; command.env over them; command.path before the PATH that results, for root without the
// folders that others may write to.
std::map<std::string, std::string> child_environment(const Command& command, const ActingUser& who);

// What of this process's environment a helper is told, which sudo would drop: the proxy variables, and for the same
// user SSH_AUTH_SOCK.
std::map<std::string, std::string> handed_over(bool same_user);

// Where it starts: command.cwd; without one the home of who acts, or / where there is no such folder.
std::string child_folder(const Command& command, const ActingUser& who);

}  // namespace mlops
