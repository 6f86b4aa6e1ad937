// For whom this process runs.
#pragma once

#include "machine/identity.hpp"

namespace mlops {

// The caller, or, when root was reached through sudo, the user that SUDO_USER names (checked: passwd must have it
// with the uid of SUDO_UID; otherwise root). Everything from passwd, nothing from the environment.
// Error unavailable when the caller's uid has no account.
Person current_person();
// The account this process acts as (its effective uid).
Person effective_person();

}  // namespace mlops
