// Reading what an action is about to replace, and how things are left.
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

// The machine must outlive it. Reads as the identity that acts.
class BeforeCapture {
 public:
  // strict: see Walker. dpkg_folder: for tests.
  BeforeCapture(const MachineReader& machine, bool strict, uid_t person, CaptureLimits limits,
                std::string dpkg_folder = "/var/lib/dpkg");

  // keep takes content; what is larger than the limits is not read.
  Before before(const Action& action, const KeepContent& keep);
  // Drops what is remembered of folders and names.
  void invalidate_caches();

  // "name version" of each installed package, a line each, sorted, with " auto" for what came along with another; the
  // version is "(configuration)" where only configuration files are there. "" where there is no dpkg.
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

// What changed from one list of packages to another, by name, is added.
void note_packages(const std::string& before, const std::string& after, Before& into);

// The things that an action leaves behind, links on the way to them replaced: "path /etc/motd", "user ada",
// "service docker.service"; "tree /srv/course" with everything below it.
std::set<std::string> things_of(const Action& action, const Before& before);
// How a thing is now, in a line (FileReader::fingerprint for paths); "" where it cannot be told.
std::string fingerprint_of(const std::string& thing, const MachineReader& machine);

}  // namespace mlops
