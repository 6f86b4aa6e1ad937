// Where an identity keeps its state, and that it is nobody else's.
#pragma once

#include <string>

#include "base/process.hpp"

namespace mlops {

// The state folder of the identity: /var/lib/mlops-agent for root, else ~/.local/state/mlops-agent (XDG_STATE_HOME
// honoured for the caller's own), or /var/tmp/mlops-agent-UID for one whose home is not theirs to write to (system
// users). given (--state) has one folder for each identity in it, by name; "" for none.
std::string state_folder(const ActingUser& who, const std::string& given);

// Makes the folder, and those above it, where they are missing; what this process owns is closed to others (0700).
// Returns its path without links. Error where it is somebody else's, is no folder, or a link on the way to it is another
// user's, in a folder that everyone may write to. Acting as that identity.
std::string prepare_state_folder(const std::string& folder);
// Makes the folder for that identity, where it is missing: below a folder that it may not write to. By root.
void give_state_folder(const std::string& folder, const ActingUser& who);
// The path without links of one that is there already; "" where there is none. Changes nothing. Error as above.
std::string find_state_folder(const std::string& folder);

}  // namespace mlops
