// Reads a list of resources, and the files that it includes.
#pragma once

#include "playbook/playbook.hpp"

namespace mlops {

class ResourceList {
 public:
  // All must outlive it.
  ResourceList(Playbook& playbook, ModuleTable modules, Diagnostics& diagnostics)
      : playbook_(playbook), modules_(modules), diagnostics_(diagnostics) {}

  // Adds the entries of a list to a play, those of an included file in place of its entry:
  //   {"include": {"file": "web.json", "vars": {…}}, "id": …, "when": …, "tags": …}
  // "include": "web.json" is short for one without vars. Ids of the file get the include's id, or the file's
  // name without its extension, as a prefix. Mistakes are reported.
  void read(Value& list, Play& into) { read(list, {}, into); }

 private:
  struct Within {
    const Include* include = nullptr;
    std::vector<std::string> tags;
  };
  void read(Value& list, const Within& within, Play& into);
  void take_in(Value& entry, const Within& within, Play& into);
  bool describe(Value& what, Include& include, Value& vars);
  void pass(Value& vars, Include& include);
  bool goes_round(const Include& include, const Position& where);
  void read_file(Value& document, const Within& within, Include& include, Value& vars, Play& into);

  Playbook& playbook_;
  ModuleTable modules_;
  Diagnostics& diagnostics_;
};

}  // namespace mlops
