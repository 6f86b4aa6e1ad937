// The reads of commands as values, one for each member of CommandReader: what decorates a reader handles each
// as one of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/commands/reader.hpp"

namespace mlops {

struct RunGuard {
  using Result = CommandResult;
  Command command;
  Result ask(const CommandReader& reader) const { return reader.run(command); }
};
struct CheckStart {
  using Result = std::optional<Error>;
  Command command;
  Result ask(const CommandReader& reader) const { return reader.cannot_start(command); }
};
struct ListPlaces {
  using Result = std::vector<std::string>;
  Command command;
  Result ask(const CommandReader& reader) const { return reader.places(command); }
};

using CommandQueries = TypeList<RunGuard, CheckStart, ListPlaces>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedCommands : public CommandReader {
  CommandResult run(const Command& command) const override { return asker().ask(RunGuard{command}); }
  std::optional<Error> cannot_start(const Command& command) const override {
    return asker().ask(CheckStart{command});
  }
  std::vector<std::string> places(const Command& command) const override {
    return asker().ask(ListPlaces{command});
  }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
