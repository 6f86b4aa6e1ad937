// What an action replaces: enough to take it back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domains/accounts/reader.hpp"
#include "domains/action.hpp"

namespace mlops {

// Only what is of the action's domain is filled in. Absent and empty: nothing was there.
struct Before {
  std::vector<SavedPath> paths;  // of files: the path itself first, links on the way replaced
  std::string not_kept;          // why the paths cannot be put back; "" when they can
  std::optional<UserAccount> user;
  std::optional<GroupAccount>
      group;  // of the name; of a user, the primary one, or, before it is made, that of its name
  std::vector<std::string> subuids, subgids;  // of a user, "FIRST:COUNT"
  std::optional<bool> active, enabled;   // of a unit
  std::optional<Tunnel> tunnel;
  std::vector<PackageChange> packages;   // what the transaction really did; known only afterwards
  std::vector<std::string> configured;   // those of them that were absent but for their configuration files; see paths
  std::vector<std::string> automatic;    // those of them that were there, and had come along with another
  std::string package_list;              // the digest under which all packages before it are kept; "" when not needed
  friend bool operator==(const Before&, const Before&) = default;
};

}  // namespace mlops
