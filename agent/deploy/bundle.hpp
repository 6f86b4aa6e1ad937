// This program with everything that it needs to run on a target, packed into one file.
//
// The file is a gzip'd tar of bin/, backends/, lib/, glibc/ (see bundle_contents.hpp), ABOUT (lines "key
// value": version, architecture, interpreter) and SUMS (as sha256sum(1) prints it, of all the others).
#pragma once

#include <cstdint>
#include <string>

#include "base/cancellation.hpp"
#include "base/progress.hpp"

namespace mlops {

struct Bundle {
  std::string id;              // SHA-256 of SUMS, and so of all content: its name everywhere
  std::string archive;         // the file
  std::string version;         // of mlops-agent
  std::string architecture;    // as in uname -m: "x86_64"
  std::string interpreter;     // the loader that its programs name
  std::uint64_t size = 0;      // bytes of the archive
  std::uint64_t unpacked = 0;  // bytes of the files
  std::uint64_t files = 0;
  bool operator==(const Bundle&) const = default;
};

// For this build. Packed once, under the cache folder of the account that this process runs as, and again after
// the program, a backend or a library has changed; concurrent processes do it once. Takes seconds then, else a
// few stat(2) calls. Errors: unavailable if a library, tar or gzip is missing; the cache folder that cannot be
// written.
Bundle own_bundle(const Cancellation& cancellation, const ProgressSink& progress);

// For another architecture: created there by `mlops-agent bundle --out FILE`, and copied here to one of these
// places:
//   bundles/ARCHITECTURE.tar.gz beside this program,
//   ../lib/mlops-agent/bundles/ARCHITECTURE.tar.gz (installed),
//   ~/.local/share/mlops-agent/bundles/ARCHITECTURE.tar.gz (XDG_DATA_HOME honoured).
// Error unavailable: there is none (with these places), it is not a bundle, or of another architecture or
// version.
Bundle bundle_for(const std::string& architecture, const Cancellation& cancellation);

// Reads the description in a bundle's file. Error unavailable if it is not a bundle.
Bundle read_bundle(const std::string& archive, const Cancellation& cancellation);

}  // namespace mlops
