// What playbooks made or found as they wish, as the starter's database lists it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/value.hpp"
#include "state/database.hpp"

namespace mlops {

struct Owned {
  std::string playbook_key, resource, declared, type, identity;  // declared: the label before values were filled in
  bool created = false;   // false: it was found as wished
  std::int64_t since = 0;  // microseconds since the epoch
  std::string made_by;     // the id of the run that created or found it
  std::vector<std::string> owns, edits;            // things: "path /etc/motd"
  Value removal;                                   // the resource that takes it away; null where there is none
  std::map<std::string, std::string> fingerprint;  // of what it owns, as it was left
};

// The newest first. Throws DatabaseError.
std::vector<Owned> ledger_of(Database& database, const std::string& playbook_key);
// The key of another playbook that owns or edits the thing; "" where none does.
std::string other_owner(Database& database, const std::string& thing, const std::string& playbook_key);

// Before the run of this id ends the playbook's entry for the resource, or takes something out of it: keeps the entry, so
// that undoing the run brings it back. Within a transaction of the caller's. Throws DatabaseError.
void keep_disowned(Database& database, const std::string& run, const std::string& playbook_key,
                   const std::string& resource);
// Brings back what keep_disowned kept of the run, but for what a playbook has entered anew since. Gives the keys of the
// playbooks that own something again. Within a transaction of the caller's. Throws DatabaseError.
std::vector<std::string> own_again(Database& database, const std::string& run);

}  // namespace mlops
