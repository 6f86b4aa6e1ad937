// Opens the files that a playbook includes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "playbook/playbook.hpp"

namespace mlops {

// A file that is included, and what its entry gives to all of its resources.
struct OpenedInclude {
  const Include* include = nullptr;
  Value document;  // an object; its `vars` are taken
  std::vector<std::string> tags;
};

class IncludeReader {
 public:
  // Both must outlive it.
  IncludeReader(Playbook& playbook, Diagnostics& diagnostics)
      : playbook_(playbook), diagnostics_(diagnostics) {}

  // entry: {"include": {"file": "web.json", "vars": {…}}, "id": …, "when": …, "tags": …}, where
  // "include": "web.json" is short for one without vars. outer: the include whose file contains it. more:
  // further keys of the entry, which the caller reads. Absent after reporting mistakes.
  std::optional<OpenedInclude> open(Value& entry, const Include* outer,
                                    const std::vector<std::string>& more = {});

 private:
  std::string take_keys(Value& entry, const std::vector<std::string>& more, Include& include,
                        OpenedInclude& opened);
  bool describe(Value& what, Include& include, Value& vars);
  bool goes_round(const Include& include, const Position& where);
  bool is_prefix_free(const Include& include);
  bool take_vars(Value& document, Value& vars, Include& include);
  void pass(Value& vars, Include& include);

  Playbook& playbook_;
  Diagnostics& diagnostics_;
};

}  // namespace mlops
