// Captures the state of a path, so that it can be restored (RestorePath).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "domains/accounts/owner_names.hpp"
#include "domains/files/actions.hpp"
#include "domains/files/safe_path.hpp"

namespace mlops {

// Receives a file's content, and returns the digest under which it is kept.
using KeepContent = std::function<std::string(std::string_view content)>;

struct CaptureLimits {
  std::uint64_t bytes = 64u << 20;  // of content, all files together
  std::size_t entries = 100'000;    // of a tree
};

struct Captured {
  // the path itself, then what is below it, parents first; a single absent one if nothing exists
  std::vector<SavedPath> paths;
  // why it could not be restored exactly: "812 MB are more than 64 MB"; "" for none
  std::string not_kept;
};

// The path itself, without following a final link; content of a file is kept. Error if it cannot be read.
Captured capture_path(Walker& walker, const OwnerNames& names, const std::string& path,
                      const CaptureLimits& limits, const KeepContent& keep);
// Without any content.
SavedPath capture_attributes(Walker& walker, const OwnerNames& names, const std::string& path);
// With everything below it. Mounts below are not entered.
Captured capture_tree(Walker& walker, const OwnerNames& names, const std::string& path,
                      const CaptureLimits& limits, const KeepContent& keep);

}  // namespace mlops
