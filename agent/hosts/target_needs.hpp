// What the plays of one target refer to on the controller: nothing else is sent there.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "playbook/playbook.hpp"

namespace mlops {

struct TargetNeeds {
  std::set<std::string> files;        // paths as the playbook names them
  std::set<std::string> secrets;      // declared names
  std::set<std::string> environment;  // variables, including unset ones
};

// Determined from the playbook alone, before any target is reached. plays: by their place in the playbook. A
// file whose path depends on facts or on outputs of resources is not included; home: the person's, for ~.
TargetNeeds needs_of(const Playbook& playbook, const std::vector<std::size_t>& plays, const std::string& home);

}  // namespace mlops
