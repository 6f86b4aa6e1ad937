// Where an identity keeps its state, and checks that no other user owns it.
#pragma once

#include <string>

#include "base/process.hpp"

namespace mlops {

// The state folder of the identity: /var/lib/mlops-agent for root, else ~/.local/state/mlops-agent
// (XDG_STATE_HOME is honoured for the caller's own), or /var/tmp/mlops-agent-UID for a user who cannot write to
// their home (system users). given (--state) contains one folder per identity, by name; "" for none.
std::string state_folder(const ActingUser& who, const std::string& given);

// Creates the folder, and those above it, if missing; a folder owned by this process's user is closed to others
// (0700). Returns its resolved path. Error if it belongs to another user, is not a folder, or a link on the
// path is another user's in a world-writable folder. Call as that identity.
std::string prepare_state_folder(const std::string& folder);
// Creates the folder for that identity, if missing: below a folder that it may not write to. Call as root.
void give_state_folder(const std::string& folder, const ActingUser& who);
// The resolved path of an existing one; "" if there is none. Changes nothing. Error as above.
std::string find_state_folder(const std::string& folder);

}  // namespace mlops
