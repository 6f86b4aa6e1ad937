// Captures what an action is about to replace, and fingerprints the result.
#pragma once

#include <string>

#include "domains/accounts/local.hpp"
#include "domains/accounts/owner_names.hpp"
#include "domains/action.hpp"
#include "domains/before.hpp"
#include "domains/domains.hpp"
#include "domains/files/capture.hpp"
#include "domains/files/safe_path.hpp"
#include "domains/packages/dpkg_database.hpp"
#include "model/claim.hpp"

namespace mlops {

// Reads as the acting identity. Not thread-safe.
class CaptureBefore {
 public:
  // The machine must outlive it. strict: see Walker. dpkg_folder: for tests.
  CaptureBefore(const MachineReader& machine, bool strict, uid_t person, CaptureLimits limits,
                std::string dpkg_folder = "/var/lib/dpkg");

  // keep receives content; content larger than the limits is not read.
  Before before(const Action& action, const KeepContent& keep);
  // Drops cached folders and names.
  void invalidate_caches();

  // "name version" of each installed package, one per line, sorted, with " auto" for automatically installed
  // ones; the version is "(configuration)" if only configuration files are left. "" if there is no dpkg.
  std::string package_list() const;

  // ---- for the actions' capture, during before() ----
  const MachineReader& machine() const { return machine_; }
  const DpkgDatabase& dpkg() const { return dpkg_; }
  std::string keep(const std::string& content) const { return (*keep_)(content); }
  // The path with links resolved, the last one too if follow_last.
  std::string real(const std::string& path, bool follow_last);
  // The path's attributes, without content.
  void attributes(const std::string& path, Before& into);
  // The attributes of a file whose content may hold a secret, and is not kept. False if it is no file.
  bool attributes_of_secret(const std::string& path, Before& into);
  // The path with a file's content.
  void whole(const std::string& path, Before& into);
  // The same, added only if all of it could be kept.
  void whole_if_kept(const std::string& path, Before& into);
  // The path with everything below it.
  void tree(const std::string& path, Before& into);

 private:
  const MachineReader& machine_;
  LocalAccounts accounts_;
  OwnerNames names_;
  Walker walker_;
  CaptureLimits limits_;
  std::string dpkg_folder_;
  DpkgDatabase dpkg_;
  const KeepContent* keep_ = nullptr;  // of the current call of before()
};

// Appends the differences between two lists of packages, by name.
void note_packages(const std::string& before, const std::string& after, Before& into);

// The objects that an action leaves behind.
Things things_of(const Action& action, const Before& before);
// The current state of an object, as one line (FileReader::fingerprint for paths); "" if it cannot be
// determined.
std::string fingerprint_of(const ClaimedObject& object, const MachineReader& machine);
// The same of an object as things_of names it.
std::string fingerprint_of(const ClaimedObject& object, const MachineReader& machine);
// The same of an object as things_of names it.
std::string fingerprint_of(const std::string& thing, const MachineReader& machine);

}  // namespace mlops
