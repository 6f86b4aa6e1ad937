// This program with all that it needs to run on another host, packed into one file.
//
// The file is a gzip'd tar of bin/, backends/, lib/, glibc/ (see bundle_contents.hpp), ABOUT (lines "key value":
// version, architecture, interpreter) and SUMS (as sha256sum(1) prints it, of all the others).
#pragma once

#include <cstdint>
#include <string>

#include "base/cancellation.hpp"
#include "base/progress.hpp"

namespace mlops {

struct Bundle {
  std::string id;            // SHA-256 of SUMS, so of every byte in it: what it is called wherever it lies
  std::string archive;       // the file
  std::string version;       // of mlops-agent
  std::string architecture;  // as uname -m says: "x86_64"
  std::string interpreter;   // the loader that its programs name
  std::uint64_t size = 0;      // bytes of the archive
  std::uint64_t unpacked = 0;  // bytes of the files
  std::uint64_t files = 0;
  bool operator==(const Bundle&) const = default;
};

// Of this very build. Packed once, under the cache folder of the account that this process acts as, and again when the
// program, a backend or a library has changed; several processes do it once. Takes seconds then, else some stat(2).
// Errors: unavailable when a library, tar or gzip is missing; the cache folder that cannot be written.
Bundle own_bundle(const Cancellation& cancellation, const ProgressSink& progress);

// Of another architecture: made there by `mlops-agent bundle --out FILE`, and put here, where it is looked for, as
//   bundles/ARCHITECTURE.tar.gz beside this program,
//   ../lib/mlops-agent/bundles/ARCHITECTURE.tar.gz (installed),
//   ~/.local/share/mlops-agent/bundles/ARCHITECTURE.tar.gz (XDG_DATA_HOME honoured).
// Error unavailable: there is none (with these places), it is no bundle, of another architecture or version.
Bundle bundle_for(const std::string& architecture, const Cancellation& cancellation);

// Reads what a bundle's file says of itself. Error unavailable when it is none.
Bundle read_bundle(const std::string& archive, const Cancellation& cancellation);

}  // namespace mlops
