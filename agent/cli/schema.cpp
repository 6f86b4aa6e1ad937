// mlops-agent schema
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "cli/playbook_schema.hpp"

namespace mlops {

void add_schema(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("schema", "JSON Schema of playbooks, for editors");
  command->callback([&exit_status] {
    fmt::print("{}\n", to_json(playbook_schema(all_modules()), 2));
    exit_status = exit_done;
  });
}

}  // namespace mlops
