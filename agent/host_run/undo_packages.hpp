// Undoing an installation of packages: which of them can go, and with their configuration files or without.
#pragma once

#include <string>
#include <vector>

#include "host_run/undo_item.hpp"
#include "model/change.hpp"

namespace mlops {

// Narrows the removals of the item to packages that nothing else needs, and adapts the changes. Returns a note
// on the configuration files that stay; "" for none. Error if a package that the run was asked for is needed by
// one that it did not install.
//
// restored: paths that the undo has restored by then, though not on this machine yet (in a plan); a person's
// changes of them do not keep a package's configuration.
std::string narrow_removals(UndoItem& item, const std::vector<std::string>& restored, const Machine& machine,
                            std::vector<Change>& changes);

}  // namespace mlops
