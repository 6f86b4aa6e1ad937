// A small file beside the state database that says when the database need not be opened: a run that changes
// nothing reads only this file.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "machine/journal.hpp"

namespace mlops {

// States about the database of one inode: it contains no unfinished run, and these playbooks are in its ledger.
// It is removed before a run writes to the database, and recreated at the end, so it never exists while it
// would be wrong.
struct CleanMarker {
  std::map<std::string, ListedResources> playbooks;  // by key
};

enum class MarkState {
  none,     // there is no state: no earlier runs are known
  settled,  // the mark is valid
  unknown,  // the database must be read
};

// FOLDER/settled. into is filled in if it is valid.
MarkState read_mark(const std::string& folder, CleanMarker& into);
// Durably. Does nothing if there is none.
void remove_mark(const std::string& folder);
// For the current database. Failures are ignored: they only cost time.
void write_mark(const std::string& folder, const CleanMarker& mark) noexcept;

}  // namespace mlops
