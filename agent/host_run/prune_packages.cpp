#include "host_run/prune_packages.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domains/packages/presence.hpp"

namespace mlops {

PackagesToPrune choose_packages(std::vector<std::string> names, const PackageReader& packages,
                                const std::function<std::string(const std::string&)>& kept) {
  PackagesToPrune chosen;
  for (std::string& name : names) {
    if (!is_there(packages, name)) continue;
    if (std::string why = kept(name); !why.empty())
      chosen.stay[name] = std::move(why);
    else
      chosen.go.push_back(std::move(name));
  }
  // A package that stays may depend on another of them.
  for (bool again = true; again && !chosen.go.empty();) {
    again = false;
    for (const std::string& name : chosen.go) {
      const Forecast forecast = packages.forecast_removal({name});
      const auto other =
          std::find_if(forecast.changes.begin(), forecast.changes.end(), [&](const PackageChange& c) {
            return c.version_after.empty() &&
                   std::find(chosen.go.begin(), chosen.go.end(), c.name) == chosen.go.end();
          });
      if (other == forecast.changes.end()) continue;
      chosen.stay[name] = fmt::format("{} needs {}", other->name, name);
      chosen.go.erase(std::find(chosen.go.begin(), chosen.go.end(), name));
      again = true;
      break;
    }
  }
  return chosen;
}

}  // namespace mlops
