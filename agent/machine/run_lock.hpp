// One run at a time for an identity.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "base/cancellation.hpp"
#include "base/handle.hpp"
#include "machine/machine.hpp"

namespace mlops {

// An exclusive flock(2) on a file of the acting identity, in a folder where no other user can put one: /run/mlops-agent.lock
// for root, else CACHE/lock; where that cannot be had, /run/mlops-agent/UID/lock, or /var/tmp/mlops-agent-UID/lock. Held as long as the object lives, or this process.
class RunLock {
 public:
  // Error, which names the other process, its playbook and since when, when another run holds it for longer than `wait`.
  // A helper that outlived its killed run (it finishes its last action) is waited for, with progress.
  RunLock(const std::string& cache_folder, const std::string& playbook, const Cancellation& cancellation,
          const ProgressSink& progress, std::chrono::milliseconds wait = {});
  // Marks the holder as one that only finishes its last action: the next run may wait for it.
  // Async-signal-safe.
  void finishing() noexcept;

 private:
  Handle file_;
};

// By root: makes /run/mlops-agent/UID for one whose home is not their own. Where that fails, the other place is taken.
void make_lock_folder(uid_t uid, gid_t gid, const std::string& home);

}  // namespace mlops
