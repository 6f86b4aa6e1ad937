// What playbooks created or found converged, as listed in the starter's database.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/claim.hpp"
#include "model/value.hpp"
#include "state/database.hpp"

namespace mlops {

struct Owned {
  // declared: the label before values were filled in
  std::string playbook_key, resource, declared, type, identity;
  bool created = false;    // false: it was found converged
  std::int64_t since = 0;  // microseconds since the epoch
  std::string made_by;     // the id of the run that created or found it
  std::vector<ClaimedObject> owns, edits;
  Value removal;                                     // the resource that removes it; null if there is none
  std::map<ClaimedObject, std::string> fingerprint;  // of what it owns, as it was left
};

// The newest first. Throws DatabaseError.
std::vector<Owned> ledger_of(Database& database, const std::string& playbook_key);
// The key of another playbook that owns or edits the object; "" if there is none.
std::string other_owner(Database& database, const ClaimedObject& object, const std::string& playbook_key);

// Saves the playbook's entry for the resource before the run of this id removes or shrinks it, so that undoing
// the run restores it. Call within a transaction. Throws DatabaseError.
void keep_disowned(Database& database, const std::string& run, const std::string& playbook_key,
                   const std::string& resource);
// Restores what keep_disowned saved for the run, except for what a playbook has entered again since. Returns
// the keys of the playbooks that own something again. Call within a transaction. Throws DatabaseError.
std::vector<std::string> own_again(Database& database, const std::string& run);

}  // namespace mlops
