// Whether a package is on the machine.
#pragma once

#include <string>

#include "domains/packages/reader.hpp"

namespace mlops {

// Installed, if only half-way: an interrupted installation counts, configuration files that were left do not.
inline bool is_there(const PackageReader& packages, const std::string& name) {
  const auto found = packages.installed(name);
  return found && (found->state == PackageState::installed || found->state == PackageState::interrupted);
}

}  // namespace mlops
