// vars given from outside the playbook: --vars files and --set.
#pragma once

#include "playbook/playbook.hpp"

namespace mlops {

// Reads the file into the playbook's sources, once; null after reporting that it cannot be read, where it is wanted
// when that is given.
const Source* read_source(const std::string& path, Playbook& playbook, Diagnostics& diagnostics,
                          const Position& wanted = {});
// Replaces vars by the members of each file's object, in order; those of an included file where it has the name.
void apply_vars_files(const std::vector<std::string>& paths, Playbook& playbook, Diagnostics& diagnostics);
// Replaces vars by NAME=VALUE, in order. A name that neither vars nor those of an included file
// have is reported. The value becomes of the
// kind of the one that it replaces: a text stays text, all else is read as JSON; for null it is JSON where it
// is that.
void apply_sets(const std::vector<std::string>& sets, Playbook& playbook, Diagnostics& diagnostics);

}  // namespace mlops
