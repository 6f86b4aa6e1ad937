// Where the running program lies.
#pragma once

#include <string>

namespace mlops {

// The absolute path of the file that this code was mapped from. /proc/self/exe would be the loader when the
// program was started through one (ld.so ./mlops-agent), as it is on another machine. Error when /proc cannot
// be read or the file has been removed since.
std::string own_executable();

}  // namespace mlops
