#include "domains/packages/overlay.hpp"

#include <algorithm>
#include <utility>

#include "domains/packages/apt_output.hpp"

namespace mlops {
namespace {

bool names_change(const Forecast& forecast, const std::string& name) {
  return std::any_of(forecast.changes.begin(), forecast.changes.end(),
                     [&](const PackageChange& c) { return c.name == name; });
}

}  // namespace

std::optional<InstalledPackage> OverlayPackages::installed(const std::string& name) const {
  if (const auto found = changed_.find(name); found != changed_.end()) return found->second;
  auto package = base_.installed(name);
  if (!package) return {};
  // A provider may have been removed or changed.
  if (const auto found = changed_.find(package->name); found != changed_.end()) return found->second;
  if (repaired_ && package->state == PackageState::interrupted) package->state = PackageState::installed;
  return package;
}

bool OverlayPackages::interrupted() const { return !repaired_ && base_.interrupted(); }

std::optional<std::uint64_t> OverlayPackages::index_age() const {
  return refreshed_ ? std::optional<std::uint64_t>(0) : base_.index_age();
}

bool OverlayPackages::index_outdated() const {
  return !refreshed_ && (sources_changed_ || base_.index_outdated());
}

std::optional<std::string> OverlayPackages::candidate(const std::string& name) const {
  auto version = base_.candidate(name);
  return version || !refreshed_ ? version : "";
}

// A change of base's forecast that an earlier action has already made.
bool OverlayPackages::ends_there(const PackageChange& change) const {
  const auto found = changed_.find(change.name);
  if (found == changed_.end()) return false;
  if (change.version_after.empty() || !found->second) return change.version_after.empty() && !found->second;
  return found->second->version.empty() || found->second->version == change.version_after;
}

Forecast OverlayPackages::forecast_install(const std::vector<std::string>& wanted) const {
  Forecast forecast = base_.forecast_install(wanted);
  forecast.of_older_index = refreshed_;
  const std::size_t before = forecast.changes.size();
  std::erase_if(forecast.changes, [&](const PackageChange& c) { return ends_there(c); });
  if (forecast.changes.size() != before) forecast.download_bytes.reset();
  for (PackageChange& change : forecast.changes)
    if (const auto found = changed_.find(change.name); found != changed_.end())
      change.version_before = found->second ? found->second->version : "";
  const std::vector<std::string> unknown =
      refreshed_ ? std::exchange(forecast.unknown, {}) : std::vector<std::string>();
  for (const std::string& text : wanted) {
    const WantedPackage package = parse_wanted(text);
    const auto has = [](const auto& list, const auto& item) {
      return std::find(list.begin(), list.end(), item) != list.end();
    };
    std::string version = package.version;
    if (!has(unknown, text) && !has(unknown, package.name)) {
      // Packages that an earlier action removed are still installed for base.
      const auto found = changed_.find(package.name);
      if (found == changed_.end() || found->second || names_change(forecast, package.name)) continue;
      const auto old = base_.installed(package.name);
      if (version.empty() && old) version = old->version;
    }
    forecast.changes.push_back({package.name, "", version});
    forecast.download_bytes.reset();
  }
  return forecast;
}

Forecast OverlayPackages::forecast_removal(const std::vector<std::string>& names) const {
  Forecast forecast;
  std::vector<std::string> of_base;
  for (const std::string& name : names) {
    const auto found = changed_.find(name);
    if (found == changed_.end())
      of_base.push_back(name);
    else if (found->second)
      forecast.changes.push_back({name, found->second->version, ""});
  }
  if (of_base.empty()) return forecast;
  for (PackageChange& change : base_.forecast_removal(of_base).changes)
    if (!ends_there(change)) forecast.changes.push_back(std::move(change));
  return forecast;
}

// A simulated installation is not known to base, nor are its dependencies.
std::vector<std::string> OverlayPackages::unneeded_without(const std::vector<std::string>& names) const {
  std::vector<std::string> of_base;
  for (const std::string& name : names)
    if (!changed_.contains(name)) of_base.push_back(name);
  if (of_base.empty()) return {};
  std::vector<std::string> unneeded = base_.unneeded_without(of_base);
  std::erase_if(unneeded, [&](const std::string& name) { return changed_.contains(name); });
  return unneeded;
}

std::vector<std::string> OverlayPackages::similar(const std::string& name) const { return base_.similar(name); }

void OverlayPackages::apply(const InstallPackages& action) {
  for (const PackageChange& change : action.expected) {
    if (change.version_after.empty() && !change.version_before.empty()) {
      // Removed by an earlier change, unless it is one of the requested packages, whose version is not known
      // yet.
      changed_[change.name] = std::nullopt;
    } else {
      changed_[change.name] = InstalledPackage{change.name, "", change.version_after, PackageState::installed};
    }
  }
  for (const std::string& text : action.wanted) {
    const WantedPackage package = parse_wanted(text);
    auto& slot = changed_[package.name];
    if (!slot) slot = InstalledPackage{package.name, "", "", PackageState::installed};
    if (!package.version.empty()) slot->version = package.version;
  }
  for (const auto* names : {&action.automatic, &action.manual})
    for (const std::string& name : *names)
      if (auto package = installed(name)) {
        package->automatic = names == &action.automatic;
        changed_[name] = std::move(package);
      }
  if (action.wanted.empty()) return;
  refreshed_ = refreshed_ || action.refresh_index;
  pending_ = true;
}

void OverlayPackages::apply(const RemovePackages& action) {
  for (const PackageChange& change : action.expected) changed_[change.name] = std::nullopt;
  for (const std::string& name : action.names) changed_[name] = std::nullopt;
}

void OverlayPackages::apply(const RefreshIndex&) { refreshed_ = true; }

void OverlayPackages::apply(const RepairPackages&) {
  repaired_ = true;
  pending_ = true;
}

}  // namespace mlops
