// What a world's state databases say, and whether it is consistent.
#pragma once

#include <string>
#include <vector>

namespace torture {

// The databases of a world, as paths below its root: of root, and of everybody with a home.
std::vector<std::string> state_databases(const std::string& root);

// Why the database (including its write-ahead log) is no sound one; "" when it is. It is read in a copy:
// nothing is changed, not even by recovery.
std::string unsound(const std::string& database);

// What must not remain once a playbook converged: a run without an end, a step that was begun or interrupted
// and not recovered, a notification that was not delivered; "" for nothing.
std::string unfinished(const std::string& database);

// Files that the agent set aside because it took them for damaged, in all state folders.
std::vector<std::string> set_aside(const std::string& root);

// What the ledger says of each resource, a line each, in order: without run ids, times and the user it runs as,
// and whether the last run changed it, which may differ after a run that finds all converged. Fingerprints
// only of what was created.
std::vector<std::string> ledger(const std::string& database);

}  // namespace torture
