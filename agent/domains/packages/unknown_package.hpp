// Explains why a requested package cannot be installed.
#pragma once

#include <string>

#include "domains/packages/reader.hpp"

namespace mlops {

// A sentence for a requested text that the index does not have: "no package is named `dokcer.io`; near:
// docker.io", "package `jq` has no version 1.2; the index has 1.6-2.1", "package `awk` exists by name only: no
// package of that name can be installed". Asks apt.
std::string why_unknown(const PackageReader& packages, const std::string& wanted);

}  // namespace mlops
