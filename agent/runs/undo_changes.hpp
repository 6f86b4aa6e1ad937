// What an undo says of its changes.
#pragma once

#include <string>
#include <vector>

#include "domains/action.hpp"
#include "domains/packages/reader.hpp"
#include "model/change.hpp"

namespace mlops {

// What was done to a resource of the type, the other way round. Of what goes altogether, only that.
std::vector<Change> turned(const std::string& type, const std::vector<Change>& changes);

// Says of each package that is to be removed that it is, or that it is purged, and names those that the changes lack:
// the plan of an install may not know all that comes along. Packages of `gone` are there no longer, and not told.
void name_removals(std::vector<Change>& changes, const RemovePackages& remove, const std::vector<std::string>& gone,
                   const PackageReader& packages);

}  // namespace mlops
