// mlops-agent plan, apply and prune.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "base/printable.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/reach_options.hpp"
#include "runs/playbook_run.hpp"

namespace mlops {
namespace {

struct ApplyOptions {
  RunRequest run;
  OutputOptions output;
};

// On stderr: why it was refused, or what was found late.
void tell_trouble(const RunResult& result, const OutputOptions& output) {
  show_mistakes(result.mistakes, output.colour);
  if (!result.ran && !result.mistakes.empty())
    say(result.end == RunEnd::not_started
            ? fmt::format("{}: not started; nothing was touched", result.playbook)
            : fmt::format("{}: {} mistake{}; nothing was touched", result.playbook, result.mistakes.size(),
                          result.mistakes.size() == 1 ? "" : "s"));
  if (!result.error.empty()) say(result.error);
  for (const HostFinished& host : result.hosts)
    if (!host.error.empty()) say(host.host == "local" ? host.error : host.host + ": " + printable(host.error));
}

RunFinished summary(const RunResult& result) {
  RunFinished event;
  event.seconds = result.seconds;
  event.interrupted = result.interrupted;
  event.exit_status = exit_status(result.end);
  if (!result.ran) return event;
  event.counts = result.counts;
  event.show = result.show;
  if (!is_local(result)) event.hosts = result.hosts;
  return event;
}

void tell_of_plan(const RunResult& result, const std::string& file) {
  if (!result.plan_error.empty()) say(result.plan_error);
  if (!result.plan_saved) return;
  const auto tell = [](const char* what, const std::vector<std::string>& labels) {
    if (!labels.empty()) say(fmt::format("{}: {}", what, fmt::join(labels, ", ")));
  };
  tell("not known yet; apply does what they need then", result.unforeseen);
  tell("not in the plan, as their hosts are not there yet; plan again after it was applied", result.waiting);
  say(fmt::format("the plan is saved in {}; `mlops-agent apply {}` performs it", file, file));
}

int go(const ApplyOptions& options) {
  RunRequest request = options.run;
  Cancellation cancellation;
  const InterruptHandler interrupts(cancellation);
  Output output(options.output);
  const EventSink report = output.sink();
  request.sink = report;
  request.warn = say;
  const RunResult result = run_playbook(request, cancellation);
  tell_trouble(result, options.output);
  // With --json the last line is always the summary.
  if (result.ran || options.output.json) report(summary(result));
  tell_of_plan(result, request.out);
  return exit_status(result.end);
}

void add_options(CommandOptions& command, ApplyOptions& options) {
  command.option("playbook", options.run.playbook, "The playbook, a JSON file; or a saved plan")
      .required()
      .value_name("PLAYBOOK");
  command.repeated("--set", options.run.sets, "Set a variable (again for more)").value_name("NAME=VALUE");
  command.repeated("--vars", options.run.vars_files, "Variables from a JSON file (again for more)")
      .value_name("FILE");
  command.repeated("--only", options.run.only, "Change only the resource with this id (again for more)")
      .value_name("ID");
  command.repeated("--tag", options.run.tags, "Change only resources with this tag (again for more)")
      .value_name("TAG");
  command.option("--mirror", options.run.mirror, "Read https://HOST/PATH from MIRROR/HOST/PATH first")
      .value_name("DIR|URL");
  command.option("--state", options.run.state, "Keep the state databases in this folder, one for each user")
      .value_name("DIR");
  command
      .option("--keep-limit", options.run.keep_limit, "Keep replaced content for undo up to this size (64MiB)")
      .size_in_bytes()
      .value_name("SIZE");
  command.option("--wait", options.run.wait_seconds, "How long to wait for another run to end (0: not at all)")
      .value_name("SECONDS");
  add_output_options(command, options.output);
  command.flag("--no-sudo", options.run.no_sudo, "Never become another user");
  command.flag("--trust-writable", options.run.trust_writable,
               "As root, also trust files that others could change");
  command.flag("--fail-fast", options.run.fail_fast, "Stop at the first failure");
  command.option("--forks", options.run.reach.forks, "Work on this many hosts at once (32)")
      .between(1, 10'000)
      .value_name("N");
  command.option("--serial", options.run.reach.serial, "Change this many hosts at a time; stop when one fails")
      .between(1, 10'000)
      .value_name("N");
  add_reach_options(command, options.run.reach);
}

}  // namespace

void add_plan_and_apply(CommandLine& program) {
  CommandOptions plan = program.command("plan", "Show what would change; change nothing");
  const auto planned = std::make_shared<ApplyOptions>();
  planned->run.dry = true;
  add_options(plan, *planned);
  const auto add_prune = [](CommandOptions& command, ApplyOptions& options) {
    command.flag(
        "--prune", [&options] { options.run.prune = RunRequest::Prune::remove; },
        "Remove what an earlier version of the playbook made and this one no longer has");
  };
  add_prune(plan, *planned);
  plan.option("--out", planned->run.out, "Save the plan to a file, for apply").value_name("FILE");
  plan.action([planned] { return go(*planned); });

  CommandOptions apply = program.command("apply", "Make this machine match the playbook");
  const auto applied = std::make_shared<ApplyOptions>();
  add_options(apply, *applied);
  apply.flag("--dry-run", applied->run.dry, "The same as plan");
  add_prune(apply, *applied);
  apply.flag("--recreate", applied->run.recreate,
             "Replace a machine that was terminated elsewhere by a new one, without a question");
  apply.flag("--all-or-nothing", applied->run.all_or_nothing,
             "With a saved plan: change nothing unless all of it is still valid");
  apply.action([applied] { return go(*applied); });

  CommandOptions prune = program.command("prune", "Remove what an earlier version of the playbook made");
  const auto pruned = std::make_shared<ApplyOptions>();
  pruned->run.prune = RunRequest::Prune::alone;
  add_options(prune, *pruned);
  prune.flag("--dry-run", pruned->run.dry, "Only show what would be removed");
  prune.action([pruned] { return go(*pruned); });
}

}  // namespace mlops
