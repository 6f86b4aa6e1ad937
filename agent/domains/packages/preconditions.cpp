// How the reads of packages are recorded in a plan.
#include <fmt/format.h>

#include "domains/packages/domain.hpp"

namespace mlops {
namespace {

std::string text_of(const InstalledPackage& package) {
  switch (package.state) {
    case PackageState::absent:
      return "absent";
    case PackageState::config_files:
      return "removed but for its configuration";
    case PackageState::interrupted:
      return "interrupted at " + package.version;
    case PackageState::installed:
      break;
  }
  return package.version;
}

std::string text_of(const Forecast& forecast) {
  std::string text;
  for (const PackageChange& c : forecast.changes)
    text += fmt::format("{} {} to {}, ", c.name, c.version_before, c.version_after);
  return fmt::format("{}unknown: {}", text, fmt::join(forecast.unknown, " "));
}

}  // namespace

void note(const ReadPackage& q, const ReadPackage::Result& found, Preconditions& p) {
  p["package " + q.name] = found ? text_of(*found) : "absent";
}
void note(const ReadInterrupted&, const ReadInterrupted::Result& found, Preconditions& p) {
  p["dpkg"] = found ? "interrupted" : "sound";
}
void note(const ReadCandidate& q, const ReadCandidate::Result& found, Preconditions& p) {
  p["candidate of package " + q.name] = found.value_or("absent");
}
void note(const ForecastInstall& q, const ForecastInstall::Result& found, Preconditions& p) {
  p[fmt::format("installing {}", fmt::join(q.wanted, " "))] = text_of(found);
}
void note(const ForecastRemoval& q, const ForecastRemoval::Result& found, Preconditions& p) {
  p[fmt::format("removing {}", fmt::join(q.names, " "))] = text_of(found);
}

}  // namespace mlops
