// mlops-agent schema
#include <fmt/format.h>

#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/playbook_schema.hpp"

namespace mlops {

void add_schema(CommandLine& program) {
  CommandOptions command = program.command("schema", "JSON Schema of playbooks, for editors");
  command.action([] {
    fmt::print("{}\n", to_json(playbook_schema(all_modules()), 2));
    return exit_done;
  });
}

}  // namespace mlops
