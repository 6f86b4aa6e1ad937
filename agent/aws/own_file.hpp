// The person's own files: configuration, caches and tokens.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "aws/environment.hpp"

namespace mlops::aws {

// The content of the file; absent if there is none. Error if it cannot be read, is no regular file, has more
// than 1 MiB, or could have been written by anybody but the person and root: it says how to mend that.
std::optional<std::string> read_own_file(const std::string& path, const Environment& environment);

// Makes the folder, and those above it that are missing, with mode 0700. Error if that fails.
void make_own_folder(const std::string& path);

// Replaces the file at once, with mode 0600. Error if it cannot be written.
void replace_own_file(const std::string& path, const std::string& content);

}  // namespace mlops::aws
