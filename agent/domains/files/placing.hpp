// Moves staged files into place.
#pragma once

#include <string>

#include "domains/files/safe_path.hpp"

namespace mlops {

// Makes renames and removals in the folder, a descriptor, durable; syncs the whole machine if the folder is
// writable but not readable. `path` is for the Error, which is unsynced.
void sync_folder(int folder, const std::string& path);

bool is_absent(const Walker::Place& place);
// Renames `name` in the folder to the place. False, with errno, if something exists there.
bool rename_to_absent(int folder, const std::string& name, const Walker::Place& to);

}  // namespace mlops
