#include "domains/packages/unknown_package.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "domains/packages/apt_output.hpp"

namespace mlops {

std::string why_unknown(const PackageReader& packages, const std::string& text) {
  const WantedPackage wanted = parse_wanted(text);
  const auto candidate = packages.candidate(wanted.name);
  if (candidate && !candidate->empty() && !wanted.version.empty())
    return fmt::format("package `{}` has no version {}; the index has {}", wanted.name, wanted.version,
                       *candidate);
  if (candidate)
    return fmt::format("package `{}` exists by name only: no package of that name can be installed",
                       wanted.name);
  const auto near = packages.similar(wanted.name);
  return near.empty()
             ? fmt::format("no package is named `{}`", wanted.name)
             : fmt::format("no package is named `{}`; similar: {}", wanted.name, fmt::join(near, ", "));
}

}  // namespace mlops
