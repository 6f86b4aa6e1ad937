// Captures what an action is about to replace, and fingerprints the result.
#pragma once

#include <map>
#include <set>
#include <string>

#include "domains/accounts/local.hpp"
#include "domains/accounts/owner_names.hpp"
#include "domains/files/capture.hpp"
#include "domains/files/safe_path.hpp"
#include "domains/packages/dpkg_database.hpp"
#include "machine/machine.hpp"
#include "state/before.hpp"

namespace mlops {

// The machine must outlive it. Reads as the acting identity.
class BeforeCapture {
 public:
  // strict: see Walker. dpkg_folder: for tests.
  BeforeCapture(const MachineReader& machine, bool strict, uid_t person, CaptureLimits limits,
                std::string dpkg_folder = "/var/lib/dpkg");

  // keep receives content; content larger than the limits is not read.
  Before before(const Action& action, const KeepContent& keep);
  // Drops cached folders and names.
  void invalidate_caches();

  // "name version" of each installed package, one per line, sorted, with " auto" for automatically installed
  // ones; the version is "(configuration)" if only configuration files are left. "" if there is no dpkg.
  std::string package_list() const;

 private:
  std::string real(const std::string& path, bool follow_last);
  void whole(const std::string& path, const KeepContent& keep, Before& into);
  bool unseen(const std::string& path, Before& into);

  const MachineReader& machine_;
  LocalAccounts accounts_;
  OwnerNames names_;
  Walker walker_;
  CaptureLimits limits_;
  std::string dpkg_folder_;
  DpkgDatabase dpkg_;
};

// Appends the differences between two lists of packages, by name.
void note_packages(const std::string& before, const std::string& after, Before& into);

// The objects that an action leaves behind, with links resolved: "path /etc/motd", "user ada", "service
// docker.service"; "tree /srv/course" with everything below it.
std::set<std::string> things_of(const Action& action, const Before& before);
// The current state of an object, as one line (FileReader::fingerprint for paths); "" if it cannot be
// determined.
std::string fingerprint_of(const std::string& thing, const MachineReader& machine);

}  // namespace mlops
