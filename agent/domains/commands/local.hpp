// Runs commands on the machine that this process runs on.
#pragma once

#include <functional>
#include <string>

#include "base/process.hpp"
#include "base/progress.hpp"
#include "base/type_list.hpp"
#include "domains/commands/actions.hpp"
#include "domains/commands/reader.hpp"
#include "domains/local_context.hpp"

namespace mlops {

class LocalCommands : public CommandReader {
 public:
  // Removes a path with everything below it; absent is success.
  using Remover = std::function<void(const std::string& path)>;

  // cancellation must outlive this. progress and remove may be empty; without remove, a RunCommand with
  // remove_on_failure is an Error.
  LocalCommands(ActingUser who, const Cancellation& cancellation, ProgressSink progress, Remover remove)
      : who_(std::move(who)),
        cancellation_(cancellation),
        progress_(std::move(progress)),
        remove_(std::move(remove)) {}

  CommandResult run(const Command& command) const override;
  std::optional<Error> cannot_start(const Command& command) const override;
  std::vector<std::string> places(const Command& command) const override;

  // Error with the last lines of its output if its exit status is not in ok_status, it timed out, or it was
  // suspended; Error cancelled. In each case remove_on_failure is removed first.
  void perform(const RunCommand& action) const;

 private:
  CommandResult run_reporting(const RunCommand& action) const;
  static void sync_created(const std::vector<std::string>& paths);
  void clear_away(const RunCommand& action, Error& error) const;

  ActingUser who_;
  const Cancellation& cancellation_;
  ProgressSink progress_;
  Remover remove_;
};

// The domain's part of the local machine.
struct CommandsLocal : LocalPart {
  explicit CommandsLocal(const LocalContext& c) : reader(c.who, c.cancellation, c.progress, c.remove_tree) {}
  void perform(const OneOf<CommandActions> auto& action) { reader.perform(action); }
  LocalCommands reader;
};

}  // namespace mlops
