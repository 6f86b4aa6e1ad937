// The machine that this process runs on, with the privileges that it has.
#pragma once

#include <memory>
#include <string>

#include "base/cancellation.hpp"
#include "domains/accounts/acting_user.hpp"
#include "machine/machine.hpp"

namespace mlops {

struct LocalSettings {
  ActingUser who;         // whose reads and actions these are: environment of children, owner of new files
  std::string mirror;     // --mirror: a folder or a URL; "": none
  std::string cache_dir;  // for data that may be lost: records of verified downloads
  uid_t person = 0;       // the person that the run is for; see Walker
};

// Reads use the privileges of this process, whoever `who` is, but resolve paths as strictly as `who` must (see
// Walker); performing needs the privileges of `who`. cancellation must outlive it. progress is called from
// perform only, on the calling thread.
std::unique_ptr<Machine> make_local_machine(LocalSettings settings, const Cancellation& cancellation,
                                            ProgressSink progress);

}  // namespace mlops
