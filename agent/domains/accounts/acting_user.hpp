// The account whose reads and actions are to be made, and where it keeps what may be lost.
#pragma once

#include <string>

#include "base/process.hpp"

namespace mlops {

// The acting user that passwd has under this name. Error unavailable when there is none.
ActingUser acting_user(const std::string& name);
// Where an identity keeps its cache: /var/cache/mlops-agent for root, so that others can read what was proved, else
// ~/.cache/mlops-agent (XDG_CACHE_HOME honoured for the caller's own).
std::string cache_folder(const ActingUser& who);

}  // namespace mlops
