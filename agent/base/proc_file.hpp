// Reading what the kernel says of a process, and of itself.
#pragma once

#include <string>

namespace mlops {

// The content of a file below /proc; "" where it is not there or cannot be read, as when its process ends
// meanwhile (read(2) fails with ESRCH then). Never throws for that.
std::string read_proc_file(const std::string& path);

// This boot's random id (random(4)); "" if it cannot be read.
std::string boot_id();

}  // namespace mlops
