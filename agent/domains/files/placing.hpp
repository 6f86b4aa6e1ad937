// The last step of what is made beside its place.
#pragma once

#include <string>

#include "domains/files/safe_path.hpp"

namespace mlops {

// Makes durable what was renamed or removed in the folder, a descriptor; all of the machine where the folder
// may be written but not read. `path` is for the Error, which is unsynced.
void sync_folder(int folder, const std::string& path);

bool is_absent(const Walker::Place& place);
// Renames `name` in the folder to the place. False, with errno, where something is there.
bool rename_to_absent(int folder, const std::string& name, const Walker::Place& to);

}  // namespace mlops
