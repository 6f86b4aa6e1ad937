// Reading all of what is at a path, so that it can be put back (RestorePath).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "domains/accounts/owner_names.hpp"
#include "domains/action.hpp"
#include "domains/files/safe_path.hpp"

namespace mlops {

// Takes a file's content, and returns its digest, under which it keeps it.
using KeepContent = std::function<std::string(std::string_view content)>;

struct CaptureLimits {
  std::uint64_t bytes = 64u << 20;     // of content, all files together
  std::size_t entries = 100'000;       // of a tree
};

struct Captured {
  std::vector<SavedPath> paths;  // the path itself, then what is below it, parents first; one absent where nothing is
  std::string not_kept;          // why it could not be put back as it was: "812 MB are more than 64 MB"; "" for none
};

// The path itself, a final link not followed; content of a file is kept. Error where it cannot be read.
Captured capture_path(Walker& walker, const OwnerNames& names, const std::string& path, const CaptureLimits& limits,
                      const KeepContent& keep);
// Without any content.
SavedPath capture_attributes(Walker& walker, const OwnerNames& names, const std::string& path);
// With everything below it. Mounts below are not entered.
Captured capture_tree(Walker& walker, const OwnerNames& names, const std::string& path, const CaptureLimits& limits,
                      const KeepContent& keep);

}  // namespace mlops
