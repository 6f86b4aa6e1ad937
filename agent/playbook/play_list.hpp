// Reads plays and what is shown at their end, and the files that `plays` includes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "playbook/include_reader.hpp"
#include "playbook/resource_list.hpp"

namespace mlops {

// Adds to the playbook. Mistakes are reported.
class PlayList {
 public:
  // All must outlive it.
  PlayList(Playbook& playbook, ModuleTable modules, Diagnostics& diagnostics)
      : playbook_(playbook),
        resources_(playbook, modules, diagnostics),
        includes_(playbook, diagnostics),
        diagnostics_(diagnostics) {}

  // A list of plays. An entry {"include": …, "on": …, "reach_timeout": …} stands for the plays of that file
  // (see IncludeReader); `on` and `reach_timeout` are for those without their own.
  void read_plays(Value& list) { read_plays(list, {}); }
  // A list of resources, short for one play.
  void read_resources(Value& list) { read_resources(list, {}); }
  void read_show(Value& list) { read_show(list, {}); }

 private:
  // The file that contains a list, and what its entry gives to its plays.
  struct Within {
    ResourceList::Within file;
    Value on;
    const Include* on_include = nullptr;
    std::optional<std::uint64_t> reach_timeout_ms;
  };
  void read_plays(Value& list, const Within& within);
  void read_resources(Value& list, const Within& within);
  void read_show(Value& list, const Within& within);
  void read_show_text(Value& entry, const Within& within);
  void read_play(Value& entry, const Within& within);
  void take_in(Value& entry, const Within& outer);
  void read_file(Value& document, const Within& within);
  std::optional<std::uint64_t> read_timeout(const Value& value);
  Play play_at(const Position& where, const Within& within) const;

  Playbook& playbook_;
  ResourceList resources_;
  IncludeReader includes_;
  Diagnostics& diagnostics_;
};

}  // namespace mlops
