// What playbooks made or found as they wish, as the starter's database lists it. Nothing here changes it.
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

}  // namespace mlops
