// The machine that this process runs on, with the rights that it has.
#pragma once

#include <memory>
#include <string>

#include "base/cancellation.hpp"
#include "domains/accounts/acting_user.hpp"
#include "machine/machine.hpp"

namespace mlops {

struct LocalSettings {
  ActingUser who;         // whose reads and actions these are to be: environment of children, owner of new things
  std::string mirror;     // --mirror: a folder or a URL; "" for none
  std::string cache_dir;  // for what may be lost: proofs of downloads
  uid_t person = 0;       // for whom the run is; see Walker
};

// Reads are made with the rights of this process, whoever `who` is, but on the way to a path they are as wary as
// `who` must be (see Walker); performing needs the rights of `who`. cancellation
// must outlive it. progress may be called from perform only, on the calling thread.
std::unique_ptr<Machine> make_local_machine(LocalSettings settings, const Cancellation& cancellation,
                                            ProgressSink progress);

}  // namespace mlops
