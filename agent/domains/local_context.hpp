// What the domains of the machine that this process runs on are made from.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "base/cancellation.hpp"
#include "base/process.hpp"
#include "base/progress.hpp"

namespace mlops {

class LocalAccounts;
class OwnerNames;
class Walker;

// All of it outlives the domains.
struct LocalContext {
  const ActingUser& who;         // whose reads and actions these are
  const std::string& mirror;     // see LocalSettings
  const std::string& cache_dir;  // see LocalSettings
  const Cancellation& cancellation;
  const ProgressSink& progress;
  const LocalAccounts& accounts;
  OwnerNames& names;
  Walker& walker;
  std::function<void(const std::string& path)> remove_tree;  // removes what is at the path; absent is success
};

// What a domain's part (local.hpp of its folder) has besides its reader and perform.
struct LocalPart {
  // Called before the first action of a list.
  void before_actions() {}
  // Called after a write to the path.
  void wrote(const std::string& /*path*/) {}
};

}  // namespace mlops
