#include "domains/commands/local.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>

#include "base/command_line.hpp"
#include "base/handle.hpp"
#include "base/printable.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto between_lines = std::chrono::milliseconds(100);
constexpr std::size_t longest_line = 200;  // code points

std::string how_it_ended(int status) {
  if (status > 128 && status <= 128 + 64) return fmt::format("was ended by signal {}", status - 128);
  return fmt::format("ended with status {}", status);
}

}  // namespace

CommandResult LocalCommands::run(const Command& command) const {
  return run_process(command, who_, {.cancellation = &cancellation_});
}

std::optional<Error> LocalCommands::cannot_start(const Command& command) const {
  return program_error(command, who_);
}

std::vector<std::string> LocalCommands::places(const Command& command) const {
  return program_places(command.argv.at(0), command, who_);
}

// Reports the last line of output as progress, no more often than a person can read.
CommandResult LocalCommands::run_reporting(const RunCommand& action) const {
  ProcessOptions options{.cancellation = &cancellation_, .merge_output = true};
  if (progress_) {
    progress_({action.doing.empty() ? "running " + short_command_line(action.command.argv) : action.doing});
    options.on_line = [this, told = Clock::time_point{}](std::string_view line) mutable {
      const auto now = Clock::now();
      if (line.empty() || now - told < between_lines) return;
      told = now;
      progress_({cut(std::string(line), longest_line)});
    };
  }
  return run_process(action.command, who_, options);
}

// Later runs treat the command as done, because its paths exist or because it was notified and ran: a power cut
// must not lose its output. If no paths are declared, the output may be anywhere.
void LocalCommands::sync_created(const std::vector<std::string>& paths) {
  if (paths.empty()) ::sync();
  std::set<dev_t> synced;
  for (const std::string& path : paths) {
    Handle at(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!at)
      at = Handle(::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct ::stat status {};
    if (!at || ::fstat(at.get(), &status) != 0) continue;
    if (synced.insert(status.st_dev).second && ::syncfs(at.get()) != 0)
      throw system_error("cannot sync " + path, errno);
  }
}

void LocalCommands::perform(const RunCommand& action) const {
  try {
    const CommandResult result = run_reporting(action);
    const std::string name = "`" + short_command_line(action.command.argv) + "`";
    const auto& ok = action.ok_status;
    if (result.timed_out)
      throw Error(fmt::format("{} did not end within {}", name, duration_text(action.command.timeout_ms)))
          .with_output(last_lines(result.output));
    if (result.stalled)
      throw Error(
          fmt::format("{} was ended: it moved no byte for {}", name, duration_text(action.command.stall_ms)))
          .with_output(last_lines(result.output));
    if (std::find(ok.begin(), ok.end(), result.status) == ok.end())
      throw Error(fmt::format("{} {}", name, how_it_ended(result.status)))
          .with_output(last_lines(result.output));
    sync_created(action.creates);
  } catch (Error& error) {
    clear_away(action, error);
    throw;
  }
}

void LocalCommands::clear_away(const RunCommand& action, Error& error) const {
  const std::string& path = action.remove_on_failure;
  if (path.empty()) return;
  std::string why = "nothing here can remove it";
  try {
    if (remove_) return remove_(path);
  } catch (const Error& e) {
    why = e.what();
  }
  error.while_doing(fmt::format("{} is left behind incomplete ({})", path, why));
}

}  // namespace mlops
