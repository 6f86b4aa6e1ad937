// What an interrupted step, an earlier attempt to undo it, or somebody else has left of it.
#pragma once

#include <string>
#include <vector>

#include "host_run/undo_item.hpp"

namespace mlops {

// Leftovers to clear first: of a step, or an attempt to undo it, that was interrupted. A failed download leaves
// its partial file.
std::vector<Action> clearing_actions(const UndoItem& item, const Machine& machine);

// The remaining actions of an inverse, if an earlier attempt may have done some of them.
std::vector<Action> remaining(const std::vector<Action>& actions, const Machine& machine);

// Paths and other objects of the step that somebody else has changed since, with the run that did, if it is
// recorded: "/etc/motd (by the run …)". number: of the run that is undone.
std::vector<std::string> changed_since(const UndoItem& item, const Machine& machine,
                                       const RecordedRuns& records, std::int64_t number);

// Whether the step changed accounts and was interrupted, so that /etc/passwd and the like may be half-written.
bool leaves_accounts_in_doubt(const UndoItem& item);

}  // namespace mlops
