// The package database, and apt's forecasts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domains/files/reader.hpp"
#include "domains/packages/actions.hpp"

namespace mlops {

enum class PackageState { absent, config_files, interrupted, installed };

struct InstalledPackage {
  std::string name;  // of the real package, if the query was for a name that it provides
  std::string architecture, version;
  PackageState state = PackageState::absent;
  bool automatic = false;  // marked by apt as automatically installed
};

// The effect of one transaction, from apt's own simulation with the current index.
struct Forecast {
  std::vector<PackageChange> changes;           // the requested ones first, then the additional ones, by name
  std::optional<std::uint64_t> download_bytes;  // absent: not known
  std::vector<std::string> unknown;             // requested names that the index does not have
  bool of_older_index = false;  // another is fetched before: versions, and what comes along, may differ
};

// What purging would remove beyond the package's own files.
struct PurgeLoss {
  bool script = false;               // its own script runs on purge, and may remove anything
  std::vector<std::string> changed;  // configuration files that differ from the package's version
};

// One path that a package installs.
struct PackagedPath {
  std::string path;  // absolute
  FileStatus status;
  std::string target;  // of a symbolic link
};

class PackageReader {
 public:
  virtual ~PackageReader() = default;

  // dpkg's record of "name" or "name:arch"; a virtual name resolves to its installed provider. Absent if there
  // is none. Error unavailable if there is no dpkg. Reads /var/lib/dpkg/status and updates/, starts no process.
  virtual std::optional<InstalledPackage> installed(const std::string& name) const = 0;
  // A transaction was interrupted: dpkg must be repaired before anything else.
  virtual bool interrupted() const = 0;
  // Seconds since the index was last fetched; absent: never.
  virtual std::optional<std::uint64_t> index_age() const = 0;

  // A list of sources was written after the index was last fetched. False if there is neither.
  virtual bool index_outdated() const = 0;

  // The paths that the package of that version installs, parents before their content; absent if apt's archive
  // cache does not have it. Starts dpkg-deb.
  virtual std::optional<std::vector<PackagedPath>> contents(const std::string& name,
                                                            const std::string& version) const = 0;
  // For an installed package. Starts dpkg.
  virtual PurgeLoss purge_loss(const std::string& name) const = 0;

  // The rest starts apt: only for changes, or for state latest. The version that apt would install ("" if the
  // name is known but has none); absent: unknown name.
  virtual std::optional<std::string> candidate(const std::string& name) const = 0;
  virtual Forecast forecast_install(const std::vector<std::string>& wanted) const = 0;
  virtual Forecast forecast_removal(const std::vector<std::string>& names) const = 0;
  // Automatically installed packages that nothing needs any more once names are removed. Those that nothing
  // needs already are not included.
  virtual std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const = 0;
  // Known names closest to a mistyped one, closest first, at most five.
  virtual std::vector<std::string> similar(const std::string& name) const = 0;
};

}  // namespace mlops
