// Notes what is read of a machine, so that it can be told later whether it is still so.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "machine/machine.hpp"

namespace mlops {

// What was read, and how it was: "/etc/motd" -> "a file 0644 root root", "content of /etc/motd" -> its SHA-256. Contents
// stand for themselves by their digests. What changes by itself is left out: times, sizes of folders, what programs
// print, and what our own caches have.
using Preconditions = std::map<std::string, std::string>;

// Reads through to another, which must outlive it, as must ground. Nothing is noted of what is Unknown.
std::unique_ptr<MachineReader> make_read_recorder(const MachineReader& machine, Preconditions& ground);

}  // namespace mlops
