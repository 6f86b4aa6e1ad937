// What earlier runs left, as the state database of an identity has it.
#pragma once

#include <string>

#include "machine/journal.hpp"
#include "state/database.hpp"

namespace mlops {

// notifications: those of the playbook. Runs whose process still works are not among them. Throws DatabaseError.
PriorRunState earlier_runs(Database& database, const std::string& playbook_key);

}  // namespace mlops
