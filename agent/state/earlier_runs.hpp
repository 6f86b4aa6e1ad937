// The state that earlier runs left, from the state database of an identity.
#pragma once

#include <string>

#include "machine/journal.hpp"
#include "state/database.hpp"

namespace mlops {

// notifications: those of the playbook. Runs whose process is still running are not included. Throws
// DatabaseError.
PriorRunState earlier_runs(Database& database, const std::string& playbook_key);

}  // namespace mlops
