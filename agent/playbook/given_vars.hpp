// vars given from outside the playbook: --vars files and --set.
#pragma once

#include "playbook/playbook.hpp"

namespace mlops {

// Reads the file into the playbook's sources, once; null after reporting that it cannot be read, at the given
// place.
const Source* read_source(const std::string& path, Playbook& playbook, Diagnostics& diagnostics,
                          const Position& wanted = {});
// Replaces vars by the members of each file's object, in order; an included file's vars of the same name too.
void apply_vars_files(const std::vector<std::string>& paths, Playbook& playbook, Diagnostics& diagnostics);
// Replaces vars by NAME=VALUE, in order. A name that exists neither in vars nor in those of an included file is
// reported. The value gets the type of the one that it replaces: a text stays text, everything else is read as
// JSON; in place of null it is JSON if it parses.
void apply_sets(const std::vector<std::string>& sets, Playbook& playbook, Diagnostics& diagnostics);

}  // namespace mlops
