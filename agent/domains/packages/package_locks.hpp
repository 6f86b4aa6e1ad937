// Finds the process that uses the package system, and waits until none does.
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
  std::string owner;  // for messages: "dpkg's lock", "apt's lock on the index"
};

struct LockHolder {
  int pid = 0;       // 0: in another container, or not known
  std::string name;  // as shown to people: "unattended-upgr"; "" if not known
  PackageLock lock;
};

// dpkg's locks below dpkg_dir, and apt's if with_apt.
std::vector<PackageLock> package_locks(const std::string& dpkg_dir, bool with_apt = true);

// Another process that holds one of them; absent if they are free, or do not exist. Error if one cannot be
// inspected.
std::optional<LockHolder> lock_holder(const std::vector<PackageLock>& locks);

// "unattended-upgr (pid 812), which holds dpkg's lock (/var/lib/dpkg/lock-frontend)"
std::string to_text(const LockHolder& holder);

// Returns when no other process holds any of them. Reports the holder while waiting. Error after timeout
// seconds, with the holder's name; Error cancelled.
void wait_for_locks(const std::vector<PackageLock>& locks, std::uint64_t timeout,
                    const Cancellation& cancellation, const ProgressSink& progress);

}  // namespace mlops
