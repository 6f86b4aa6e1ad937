// mlops-agent undo [RUN]: undoes a run.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/reach_options.hpp"
#include "runs/undo_run.hpp"

namespace mlops {
namespace {

struct UndoOptions {
  UndoRequest undo;
  bool yes = false;
  OutputOptions output;
};

bool agreed(Questions& questions, std::uint64_t count, const std::string& host) {
  if (::isatty(0) != 1 || !Questions::possible()) {
    say("without a terminal to ask on, --yes is needed; nothing was touched");
    return false;
  }
  const std::string where = host.empty() ? "" : " on " + host;
  const auto answer =
      questions.ask(fmt::format("Undo {} resource{}{}? [y/N] ", count, count == 1 ? "" : "s", where), true);
  if (answer == "y" || answer == "Y" || answer == "yes") return true;
  say("nothing was touched");
  return false;
}

int undo(const UndoOptions& options) {
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  Questions questions([] {});
  std::optional<Output> output;  // of the current machine
  UndoRequest request = options.undo;
  request.ask = !options.yes;
  request.sink = [&](const std::string&) {
    output.emplace(options.output);
    return output->sink();
  };
  request.warn = say;
  request.agree = [&](std::uint64_t count, const std::string& host) { return agreed(questions, count, host); };
  request.questions = &questions;
  const UndoResult result = run_undo(request, cancellation);
  show_mistakes(result.mistakes, options.output.colour);
  return exit_status(result.end);
}

}  // namespace

void add_undo(CommandLine& program) {
  const auto options = std::make_shared<UndoOptions>();
  UndoRequest& undo_request = options->undo;
  CommandOptions command = program.command("undo", "Undo what a run did on a machine");
  command.option("RUN", undo_request.run,
                 "The beginning of its id, or last. Default: the newest run that was not undone");
  command.flag("--dry-run", undo_request.dry, "Only show what would be undone");
  command.flag("--yes,-y", options->yes, "Do not ask");
  command.flag("--force", undo_request.settings.force, "Also undo what was changed since the run");
  command.flag("--no-sudo", undo_request.settings.no_sudo, "Never become another user");
  command.option("--wait", undo_request.settings.wait_seconds, "How long to wait for another run to end")
      .value_name("SECONDS");
  command.option("--state", undo_request.settings.state, "Use another state folder").value_name("DIR");
  add_output_options(command, options->output);
  add_reach_options(command, undo_request.reach);
  command.action([options] { return undo(*options); });
}

}  // namespace mlops
