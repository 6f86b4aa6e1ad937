// How an undo describes its changes.
#pragma once

#include <string>
#include <vector>

#include "domains/action.hpp"
#include "domains/packages/reader.hpp"
#include "model/change.hpp"

namespace mlops {

// The reverse of the changes made to a resource of the type. If it is removed altogether, only the removal.
std::vector<Change> turned(const std::string& type, const std::vector<Change>& changes);

// Marks each package as removed or purged, and names those missing from the changes: the plan of an install may
// not know all dependencies. Packages in `gone` are already removed, and not reported.
void name_removals(std::vector<Change>& changes, const RemovePackages& remove,
                   const std::vector<std::string>& gone, const PackageReader& packages);

}  // namespace mlops
