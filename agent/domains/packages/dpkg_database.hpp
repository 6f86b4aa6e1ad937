// Reads dpkg's database without dpkg: status, and updates/, the journal that overrides it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domains/packages/reader.hpp"

namespace mlops {

// One paragraph of the database.
struct DpkgEntry {
  std::string name, architecture, version;
  PackageState state = PackageState::absent;
  bool held = false;
  bool unpack_again = false;          // "reinstreq": unpacking it failed
  std::vector<std::string> provides;  // names only
};

// All paragraphs of the text for a package of that name; "": those of every package.
std::vector<DpkgEntry> dpkg_entries(std::string_view text, std::string_view name);

// Reads again when a file changed. Not thread-safe.
class DpkgDatabase {
 public:
  explicit DpkgDatabase(std::string folder = "/var/lib/dpkg");
  ~DpkgDatabase();
  DpkgDatabase(const DpkgDatabase&) = delete;
  DpkgDatabase& operator=(const DpkgDatabase&) = delete;

  // See PackageReader. A name without an architecture means the native one, or "all".
  std::optional<InstalledPackage> installed(const std::string& name) const;
  // The package's configuration files in dpkg's database, existing or not.
  std::vector<std::string> configuration_files(const std::string& name) const;
  // Whether a package is half installed, or dpkg has yet to merge updates/ into status.
  bool interrupted() const;
  // All of it. Error unavailable if there is no dpkg.
  std::vector<DpkgEntry> entries() const;
  // The default architecture of packages; "" if dpkg itself is not installed.
  const std::string& native_architecture() const;
  // Changes whenever the database does.
  std::string stamp() const;

 private:
  // The status file mapped into memory, and the journal beside it, which overrides it.
  void refresh() const;
  void unmap() const;
  std::vector<DpkgEntry> find(const std::string& name) const;
  std::vector<DpkgEntry> all() const;
  std::string_view text() const { return {static_cast<const char*>(map_), size_}; }

  std::string folder_;
  mutable void* map_ = nullptr;
  mutable std::size_t size_ = 0;
  mutable std::string stamp_, native_;
  mutable std::string journal_;  // the files of updates/, in order
};

}  // namespace mlops
