// What an action replaces: enough to revert it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domains/accounts/reader.hpp"
#include "domains/action.hpp"

namespace mlops {

// Only the fields of the action's domain are filled in. Absent and empty: nothing existed.
struct Before {
  std::vector<SavedPath> paths;  // of files: the path itself first, links resolved
  std::string not_kept;          // why the paths cannot be restored; "" if they can
  std::optional<UserAccount> user;
  std::optional<GroupAccount>
      group;  // of the name; of a user, the primary one, or, before it is created, that of its name
  std::vector<std::string> subuids, subgids;  // of a user, "FIRST:COUNT"
  std::optional<bool> active, enabled;        // of a unit
  std::optional<Tunnel> tunnel;
  std::vector<PackageChange> packages;  // the transaction's actual changes; known only afterwards
  // those of them of which only the configuration files were left; see paths
  std::vector<std::string> configured;
  std::vector<std::string> automatic;  // those of them that were there before, as automatic dependencies
  // the digest under which the list of all packages before it is kept; "" if not needed
  std::string package_list;
  friend bool operator==(const Before&, const Before&) = default;
};

}  // namespace mlops
