// The package database and what apt would do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domains/action.hpp"
#include "domains/files/reader.hpp"

namespace mlops {

enum class PackageState { absent, config_files, interrupted, installed };

struct InstalledPackage {
  std::string name;  // of the real package, when asked for a name that it provides
  std::string architecture, version;
  PackageState state = PackageState::absent;
  bool automatic = false;  // it came along with another, as apt has it marked
};

// What one transaction would do, by apt's own simulation against the index as it is.
struct Forecast {
  std::vector<PackageChange> changes;         // the wanted ones first, then what comes along, by name
  std::optional<std::uint64_t> download_bytes;  // absent: not known
  std::vector<std::string> unknown;             // wanted names that the index does not know
};

// What would go, beside what came with the package, if its configuration files were removed with it.
struct PurgeLoss {
  bool script = false;                // its own script acts then, and may take away what it pleases
  std::vector<std::string> changed;   // configuration files that are not as the package brought them
};

// One path that a package brings.
struct PackagedPath {
  std::string path;  // absolute
  FileStatus status;
  std::string target;  // of a symbolic link
};

class PackageReader {
 public:
  virtual ~PackageReader() = default;

  // What dpkg has of "name" or "name:arch"; a virtual name is its installed provider. Absent when there is nothing.
  // Error unavailable where there is no dpkg. Reads /var/lib/dpkg/status and updates/, starts no process.
  virtual std::optional<InstalledPackage> installed(const std::string& name) const = 0;
  // A transaction was cut short: dpkg must be repaired before anything else.
  virtual bool interrupted() const = 0;
  // Seconds since the index was last fetched; absent: never.
  virtual std::optional<std::uint64_t> index_age() const = 0;

  // A list of sources was written after the index was last fetched. False where there is neither.
  virtual bool index_outdated() const = 0;

  // What the package of that version brings, parents before what is in them; absent where apt's archive cache does not
  // have it. Starts dpkg-deb.
  virtual std::optional<std::vector<PackagedPath>> contents(const std::string& name,
                                                            const std::string& version) const = 0;
  // Of an installed package. Starts dpkg.
  virtual PurgeLoss purge_loss(const std::string& name) const = 0;

  // The rest starts apt: only for what is to be changed, or for state latest.
  // The version that apt would install ("" when the name is known but has none); absent: unknown name.
  virtual std::optional<std::string> candidate(const std::string& name) const = 0;
  virtual Forecast forecast_install(const std::vector<std::string>& wanted) const = 0;
  virtual Forecast forecast_removal(const std::vector<std::string>& names) const = 0;
  // Packages that came along with others, and that nothing needs any more once names are removed. Those that nothing needs
  // already are not among them.
  virtual std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const = 0;
  // Known names near to a mistyped one, nearest first, at most five.
  virtual std::vector<std::string> similar(const std::string& name) const = 0;
};

}  // namespace mlops
