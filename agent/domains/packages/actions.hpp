// What can be done to packages, as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"

namespace mlops {

// One package's part of a transaction. version_before is "" if it is not installed; version_after is "" if it
// is removed, or if the new version is not known ("version unknown").
struct PackageChange {
  std::string name;
  std::string version_before, version_after;
  static constexpr auto fields() {
    return std::tuple(field("name", &PackageChange::name),
                      field("version_before", &PackageChange::version_before),
                      field("version_after", &PackageChange::version_after));
  }
  friend bool operator==(const PackageChange&, const PackageChange&) = default;
};

// One non-interactive apt transaction. Changed configuration files are kept. `wanted` is in apt's format:
// "name", "name=version", "name:arch". Waits for another process's lock up to lock_timeout seconds, naming the
// holder.
struct InstallPackages {
  static constexpr ActionTraits traits{"install_packages",    Runs::a_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::root,     Repeated::succeeds,
                                       Groups::unchanged};
  std::vector<std::string> wanted;
  bool refresh_index = false;  // fetch the index first
  std::uint64_t lock_timeout = 0;
  std::vector<PackageChange> expected;  // the forecast; the overlay assumes it
  std::vector<std::string> automatic;   // names to mark in apt as automatically installed
  // installed names to mark in apt as manually installed; `wanted` may be empty then
  std::vector<std::string> manual;
  static constexpr auto fields() {
    return std::tuple(
        field("wanted", &InstallPackages::wanted), field("refresh_index", &InstallPackages::refresh_index),
        unrecorded("lock_timeout", &InstallPackages::lock_timeout),
        field("expected", &InstallPackages::expected), field("automatic", &InstallPackages::automatic),
        field("manual", &InstallPackages::manual));
  }
  friend bool operator==(const InstallPackages&, const InstallPackages&) = default;
};
struct RemovePackages {
  static constexpr ActionTraits traits{"remove_packages",     Runs::a_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::root,     Repeated::succeeds,
                                       Groups::unchanged};
  std::vector<std::string> names;
  std::uint64_t lock_timeout = 0;
  std::vector<PackageChange> expected;
  std::vector<std::string> purged;  // those of names whose configuration files are removed too
  static constexpr auto fields() {
    return std::tuple(field("names", &RemovePackages::names),
                      unrecorded("lock_timeout", &RemovePackages::lock_timeout),
                      field("expected", &RemovePackages::expected), field("purged", &RemovePackages::purged));
  }
  friend bool operator==(const RemovePackages&, const RemovePackages&) = default;
};
// dpkg --configure -a, then apt's repair: completes an interrupted transaction.
struct RepairPackages {
  static constexpr ActionTraits traits{"repair_packages",     Runs::a_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::root,     Repeated::succeeds,
                                       Groups::unchanged};
  std::uint64_t lock_timeout = 0;
  // Microseconds since the epoch; 0: the machine has not rebooted since. Packages that were unpacked from then
  // on are installed again: dpkg syncs neither configuration files nor what scripts write, and may report lost
  // files as installed.
  std::int64_t power_lost_since = 0;
  static constexpr auto fields() {
    return std::tuple(unrecorded("lock_timeout", &RepairPackages::lock_timeout),
                      unrecorded("power_lost_since", &RepairPackages::power_lost_since));
  }
  friend bool operator==(const RepairPackages&, const RepairPackages&) = default;
};

// Fetches the index of all sources (apt update). Error if one of them cannot be fetched.
struct RefreshIndex {
  static constexpr ActionTraits traits{"refresh_index",       Runs::a_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::root,     Repeated::succeeds,
                                       Groups::unchanged};
  std::uint64_t lock_timeout = 0;  // seconds
  static constexpr auto fields() { return std::tuple(unrecorded("lock_timeout", &RefreshIndex::lock_timeout)); }
  friend bool operator==(const RefreshIndex&, const RefreshIndex&) = default;
};

using PackageActions = TypeList<InstallPackages, RemovePackages, RepairPackages, RefreshIndex>;

}  // namespace mlops
