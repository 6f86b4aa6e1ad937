// Reads a list of resources, and the files that it includes.
#pragma once

#include "playbook/playbook.hpp"

namespace mlops {

class ResourceList {
 public:
  // The file that contains a list; include is null for the playbook's own. tags: for each of its resources.
  struct Within {
    const Include* include = nullptr;
    std::vector<std::string> tags;
  };

  // All must outlive it.
  ResourceList(Playbook& playbook, ModuleTable modules, Diagnostics& diagnostics)
      : playbook_(playbook), modules_(modules), diagnostics_(diagnostics) {}

  // Adds the entries of a list to a play, those of an included file (see IncludeReader) in place of its entry.
  // Ids of the file get the include's id, or the file's name without its extension, as a prefix. Mistakes are
  // reported.
  void read(Value& list, const Within& within, Play& into);

 private:
  void take_in(Value& entry, const Within& within, Play& into);
  void read_file(Value& document, const Within& within, Play& into);

  Playbook& playbook_;
  ModuleTable modules_;
  Diagnostics& diagnostics_;
};

}  // namespace mlops
