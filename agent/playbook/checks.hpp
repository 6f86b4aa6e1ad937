// Checks a well-formed playbook before a machine is inspected.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "playbook/playbook.hpp"

namespace mlops {

// Ids used twice, after, notify, and whether every {{path}} refers to something that exists.
void check_references(const Playbook& playbook, Diagnostics& diagnostics);
// Parameters, and claims that conflict, as far as they are known.
void check_parameters(const Playbook& playbook, const std::string& home, Diagnostics& diagnostics);

// The files beside the playbook that resources of these plays name by a path that is known without a machine,
// as passed to FileSource. Reads none of them. plays: by their place in the playbook.
std::set<std::string> files_named(const Playbook& playbook, const std::vector<std::size_t>& plays,
                                  const std::string& home);

}  // namespace mlops
