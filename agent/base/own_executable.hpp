// Finds the running program's file.
#pragma once

#include <string>
#include <vector>

namespace mlops {

// The absolute path of the file that this code was mapped from. /proc/self/exe would be the loader if the
// program was started through one (ld.so ./mlops-agent), as on a target. Error if /proc cannot be read or the
// file has been removed since.
std::string own_executable();

// The argv that starts this program again, to be followed by its arguments: its file, or, if it was started
// through a loader, that loader with the folder of its libraries, as deploy/scripts.hpp starts it. Error as
// above.
std::vector<std::string> own_command();

// Identifies the running build, as one word: its version, size and time, "0.1.0-3276808-655f0c2a1b3c". Equal
// for two processes of one file, different for a replaced one; "unknown" if the file is gone.
std::string own_build();

}  // namespace mlops
