// The domain of commands, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "domains/commands/actions.hpp"
#include "domains/commands/queries.hpp"
#include "domains/commands/reader.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

struct CommandsReplaced {  // paths that a command makes are captured as those of files
  static constexpr auto fields() { return std::tuple(); }
  friend bool operator==(const CommandsReplaced&, const CommandsReplaced&) = default;
};

struct CommandsLocal;  // domains/commands/local.hpp

struct CommandsDomain {
  using Reader = CommandReader;
  using Actions = CommandActions;
  using Queries = CommandQueries;
  using Replaced = CommandsReplaced;
  template <class Asker>
  using Asked = AskedCommands<Asker>;
  using Local = CommandsLocal;
};

// For undo; see domains/undo_parts.hpp.
void capture(const RunCommand&, CaptureBefore&, Before&);
Inverse invert(const RunCommand&, const Before&);
bool satisfied(const RunCommand&, const MachineReader&);
void touch(const RunCommand&, const Before&, Things&);
void add_leftovers(const RunCommand&, LeftoverSearch&);
const std::string* target_path(const OneOf<CommandActions> auto&) { return nullptr; }

// It has no objects of its own that actions leave behind.
inline std::optional<std::string> fingerprint(CommandsDomain, const std::string&, const std::string&,
                                              const MachineReader&) {
  return std::nullopt;
}

// Records the result of a read, as far as it is not volatile.
void note(const RunGuard&, const RunGuard::Result&, Preconditions&);
inline void note(const CheckStart&, const CheckStart::Result&, Preconditions&) {}
inline void note(const ListPlaces&, const ListPlaces::Result&, Preconditions&) {}

// The result of a read after the simulated actions.
RunGuard::Result simulated(const RunGuard&, Simulation&);
CheckStart::Result simulated(const CheckStart&, Simulation&);
ListPlaces::Result simulated(const ListPlaces&, Simulation&);

// Applies the action to the overlay, with the errors that the real machine would give.
void simulate(const RunCommand&, Simulation&);

}  // namespace mlops
