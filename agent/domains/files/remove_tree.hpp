// Removes a path, however deep.
#pragma once

#include <string>

namespace mlops {

// Removes the entry of that name in the folder (a descriptor), a link itself and not its target; absent is
// success. A folder with content is an Error unless recursive; a mount at or below it is an Error before
// anything is removed. path is for messages.
void remove_tree(int folder, const std::string& name, const std::string& path, bool recursive);

}  // namespace mlops
