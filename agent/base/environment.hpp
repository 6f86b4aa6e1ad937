// The environment of child processes.
#pragma once

#include <map>
#include <string>

#include "base/process.hpp"

namespace mlops {

// HOME, USER, LOGNAME, SHELL of the acting user, a fixed PATH, LANG=C.UTF-8, this process's proxy variables
// and, for its own user, SSH_AUTH_SOCK; overridden by command.env; command.path before the resulting PATH, for
// root without folders that are writable by others.
std::map<std::string, std::string> child_environment(const Command& command, const ActingUser& who);

// The variables that are passed on to a helper, as sudo would drop them: the proxy variables, and for the same
// user SSH_AUTH_SOCK.
std::map<std::string, std::string> handed_over(bool same_user);

// The working folder: command.cwd; without one the home of the acting user, or / if it does not exist.
std::string child_folder(const Command& command, const ActingUser& who);

}  // namespace mlops
