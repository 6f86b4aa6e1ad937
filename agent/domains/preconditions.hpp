// What a plan read of a machine, to check later whether it is unchanged.
#pragma once

#include <map>
#include <string>

namespace mlops {

// Each read and its result: "/etc/motd" -> "a file 0644 root root", "content of /etc/motd" -> its SHA-256.
// Contents are represented by their digests. Volatile state is left out: times, sizes of folders, output of
// programs, and the agent's own caches.
using Preconditions = std::map<std::string, std::string>;

}  // namespace mlops
