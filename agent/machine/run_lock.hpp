// One run at a time for an identity.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "base/cancellation.hpp"
#include "base/handle.hpp"
#include "machine/machine.hpp"

namespace mlops {

// An exclusive flock(2) on a file of the acting identity, in a folder that no other user can write to:
// /run/mlops-agent.lock for root, else CACHE/lock; if that is not possible, /run/mlops-agent/UID/lock, or
// /var/tmp/mlops-agent-UID/lock. Held as long as the object or this process lives.
class RunLock {
 public:
  // Error, which names the other process, its playbook and since when, if another run holds it for longer than
  // `wait`. A helper that outlived its killed run (it finishes its last action) is waited for, with progress.
  RunLock(const std::string& cache_folder, const std::string& playbook, const Cancellation& cancellation,
          const ProgressSink& progress, std::chrono::milliseconds wait = {});
  // Marks the holder as one that only finishes its last action: the next run may wait for it.
  // Async-signal-safe.
  void finishing() noexcept;

 private:
  Handle file_;
};

// Called as root: creates /run/mlops-agent/UID for a user who does not own their home. If that fails, the
// fallback folder is used.
void make_lock_folder(uid_t uid, gid_t gid, const std::string& home);

}  // namespace mlops
