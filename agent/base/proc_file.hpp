// Reading what the kernel says of a process.
#pragma once

#include <string>

namespace mlops {

// The content of a file below /proc; "" where it is not there or cannot be read, as when its process ends
// meanwhile (read(2) fails with ESRCH then). Never throws for that.
std::string read_proc_file(const std::string& path);

}  // namespace mlops
