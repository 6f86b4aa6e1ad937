// Which packages of a resource are removed when its playbook no longer has them.
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

// Decides for each name: a package stays if kept gives a reason, or if removing it would make apt remove a
// package that is not removed as well. Packages that are not installed are in neither list. Starts apt.
PackagesToPrune choose_packages(std::vector<std::string> names, const PackageReader& packages,
                                const std::function<std::string(const std::string&)>& kept);

}  // namespace mlops
