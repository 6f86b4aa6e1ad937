// mlops-agent forget RESOURCE: leaves what a playbook made, and no longer has, as it is, and stops reporting
// it.
#include <fmt/format.h>

#include <memory>

#include "base/person.hpp"
#include "base/printable.hpp"
#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "host_run/prune.hpp"
#include "machine/local.hpp"
#include "machine/run_lock.hpp"

namespace mlops {
namespace {

struct ForgetOptions {
  std::string resource, playbook, state;
  std::uint64_t wait_seconds = 0;
};

void say(const std::string& text) { fmt::print(stderr, "{}\n", printable_lines(text)); }

int forget(const ForgetOptions& options) try {
  const Cancellation cancellation;
  const RunLock lock(cache_folder(acting_user(effective_person().name)), "forget " + options.resource,
                     cancellation, {}, std::chrono::seconds(options.wait_seconds));
  const std::vector<std::string> forgotten =
      forget_resource(options.state, options.resource, options.playbook, say);
  if (forgotten.empty()) {
    say(fmt::format("no playbook is recorded to own {}{}; nothing was touched", options.resource,
                    options.playbook.empty() ? "" : " of the name or path " + options.playbook));
    return exit_wrong;
  }
  for (const std::string& playbook : forgotten)
    fmt::print("{} is no longer owned by the playbook {}; it stays as it is\n", printable(options.resource),
               printable(playbook));
  return exit_done;
} catch (const Error& e) {
  say(fmt::format("mlops-agent: {}", e.what()));
  return exit_not_started;
}

}  // namespace

void add_forget(CommandLine& program) {
  const auto options = std::make_shared<ForgetOptions>();
  CommandOptions command =
      program.command("forget", "Accept that a resource stays which a playbook made and no longer has");
  command.option("RESOURCE", options->resource, "As the plan shows it: file[settings]").required();
  command.option("--playbook", options->playbook, "Only of the playbook of this name, or at this path")
      .value_name("NAME|PATH");
  command.option("--wait", options->wait_seconds, "How long to wait for another run to end")
      .value_name("SECONDS");
  command.option("--state", options->state, "Use another state folder").value_name("DIR");
  command.action([options] { return forget(*options); });
}

}  // namespace mlops
