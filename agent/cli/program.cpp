#include "cli/program.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "hosts/run_records.hpp"
#include "hosts/serve.hpp"
#include "machine/piped.hpp"
#include "machine/tunnels/keeper_process.hpp"
#include "playbook/suggest.hpp"
#include "state/state_journals.hpp"

namespace mlops {
namespace {

constexpr std::string_view help_end =
    "Exit status: 0 nothing left to do, 1 a resource failed, 2 plan found something to change,\n"
    "3 the playbook or the command line is wrong, 4 the run could not start, 130 interrupted.";

// `helper --as USER --person USER`: the far end of a pipe, started by this program alone.
bool is_helper(int argc, char** argv) {
  return argc == 6 && std::string_view(argv[1]) == "helper" && std::string_view(argv[2]) == "--as" &&
         std::string_view(argv[4]) == "--person";
}

// `tunnel FOLDER NAME`: the process that keeps a tunnel, started by this program or by systemd.
bool is_keeper(int argc, char** argv) { return argc == 4 && std::string_view(argv[1]) == keeper_command; }

// The hint for a first word that is no command; absent when it may be one.
std::optional<std::string> unknown_command(const CLI::App& app, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (name.starts_with('-') || std::find(known.begin(), known.end(), name) != known.end()) return std::nullopt;
  const std::string hint = did_you_mean(name, known);
  return hint.empty() ? "`mlops-agent --help` lists them" : hint;
}

}  // namespace

int run_program(int argc, char** argv) {
  if (is_helper(argc, argv)) return serve_helper(argv[3], argv[5], make_journals);
  if (is_keeper(argc, argv)) return serve_tunnel(argv[2], argv[3]);
  if (argc == 2 && std::string_view(argv[1]) == "serve") return serve_run();
  if (argc == 5 && std::string_view(argv[1]) == "recorded") return print_recorded(argv[2], argv[3], argv[4]);
  int status = exit_done;
  CLI::App app("Makes a machine match a JSON playbook, and changes only what differs.", "mlops-agent");
  app.set_version_flag("--version", "mlops-agent " MLOPS_VERSION);
  app.footer(std::string(help_end));
  app.require_subcommand(1);
  add_plan_and_apply(app, status);
  add_history(app, status);
  add_undo(app, status);
  add_why(app, status);
  add_validate(app, status);
  add_facts(app, status);
  add_modules(app, status);
  add_schema(app, status);
  add_tunnels(app, status);
  add_bundle(app, status);
  if (const auto hint = argc > 1 ? unknown_command(app, argv[1]) : std::nullopt) {
    std::cerr << "mlops-agent: there is no command `" << argv[1] << "`; " << *hint << '\n';
    return exit_wrong;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e, std::cout, std::cerr) == 0 ? exit_done : exit_wrong;
  }
  return status;
}

}  // namespace mlops
