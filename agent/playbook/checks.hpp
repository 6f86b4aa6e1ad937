// What is checked of a playbook that has the right form, before a machine is looked at.
#pragma once

#include "playbook/playbook.hpp"

namespace mlops {

// Ids used twice, after, notify, and that every {{path}} has something to refer to.
void check_references(const Playbook& playbook, Diagnostics& diagnostics);
// Parameters, and claims that conflict, as far as they are known.
void check_parameters(const Playbook& playbook, const std::string& home, Diagnostics& diagnostics);

}  // namespace mlops
