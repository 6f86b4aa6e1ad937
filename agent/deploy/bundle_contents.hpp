// The files of this machine that this program needs in order to run where nothing of it is installed.
#pragma once

#include <string>
#include <vector>

#include "base/cancellation.hpp"

namespace mlops {

struct BundleFile {
  std::string
      name;  // in the bundle: "bin/mlops-agent", "backends/curl.so", "lib/libcurl.so.4", "glibc/libc.so.6"
  std::string source;  // on this machine; absolute
  bool ours = false;   // built here: may contain symbols that a target does not need
};

struct BundleContents {
  std::vector<BundleFile> files;  // sorted by name, each name once
  std::string interpreter;        // the loader that the program names: "/lib64/ld-linux-x86-64.so.2"
};

// The program, its backends except ssh (a target connects to no other host), and the shared libraries that the
// loader finds for them here, the C library and the loader in a folder of their own: they are used only if the
// target's are older. Starts the loader once for each backend. Error unavailable, which names what is missing.
BundleContents bundle_contents(const Cancellation& cancellation);

// The libraries in the output of `ld.so --list`: {"libz.so.1", "/lib/x86_64-linux-gnu/libz.so.1"}. Error
// unavailable for one that is not found.
std::vector<std::pair<std::string, std::string>> listed_libraries(const std::string& text);

}  // namespace mlops
