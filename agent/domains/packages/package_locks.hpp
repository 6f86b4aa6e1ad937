// Who uses the package system right now, and waiting until nobody does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/progress.hpp"

namespace mlops {

// A lock of apt or dpkg: fcntl(2) record locks on files.
struct PackageLock {
  std::string path;
  std::string owner;  // whose lock it is, for messages: "dpkg's lock", "apt's lock on the index"
};

struct LockHolder {
  int pid = 0;       // 0: of another container, or not known
  std::string name;  // as people know it: "unattended-upgr"; "" when not known
  PackageLock lock;
};

// The locks of dpkg below dpkg_dir, and of apt where with_apt.
std::vector<PackageLock> package_locks(const std::string& dpkg_dir, bool with_apt = true);

// Another process that holds one of them; absent when they are free, or when they may not be looked at.
std::optional<LockHolder> lock_holder(const std::vector<PackageLock>& locks);

// "unattended-upgr (pid 812), which holds dpkg's lock (/var/lib/dpkg/lock-frontend)"
std::string to_text(const LockHolder& holder);

// Returns when nobody else holds any of them. Reports whom it waits for. Error after timeout seconds, with the
// holder's name; Error cancelled.
void wait_for_locks(const std::vector<PackageLock>& locks, std::uint64_t timeout,
                    const Cancellation& cancellation, const ProgressSink& progress);

}  // namespace mlops
