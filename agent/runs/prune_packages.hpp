// Which packages of a resource go when its playbook no longer has them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "domains/packages/reader.hpp"

namespace mlops {

struct PackagesToPrune {
  std::vector<std::string> go;
  std::map<std::string, std::string> stay;  // name -> why
};

// Each name by itself: one stays where kept gives a reason, and where apt would remove anything for it that does not go
// too. What is not installed is in neither list. Starts apt.
PackagesToPrune choose_packages(std::vector<std::string> names, const PackageReader& packages,
                                const std::function<std::string(const std::string&)>& kept);

}  // namespace mlops
