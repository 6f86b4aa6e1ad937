// The account that reads and actions run as, and its cache folder.
#pragma once

#include <string>

#include "base/process.hpp"

namespace mlops {

// The account of this name in passwd. Error unavailable if there is none.
ActingUser acting_user(const std::string& name);
// An identity's cache folder: /var/cache/mlops-agent for root, so that others can read the records of verified
// downloads, else ~/.cache/mlops-agent (XDG_CACHE_HOME is honoured for the caller's own).
std::string cache_folder(const ActingUser& who);
// $XDG_STATE_HOME/mlops-agent for the caller's own, not under sudo; else ~/.local/state/mlops-agent. For what a
// person has whoever acts; the state database is elsewhere (docs/state-format.md).
std::string own_state_home(const ActingUser& who);

}  // namespace mlops
