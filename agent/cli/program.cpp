#include "cli/program.hpp"

#include <iostream>
#include <string>
#include <string_view>

#include "cli/command_options.hpp"
#include "cli/commands.hpp"
#include "cli/exit_code.hpp"
#include "domains/tunnels/keeper_process.hpp"
#include "host_run/run_records.hpp"
#include "hosts/serve.hpp"
#include "machine/privilege/piped.hpp"
#include "state/state_journals.hpp"

namespace mlops {
namespace {

constexpr std::string_view help_end =
    "Exit status: 0 nothing left to do, 1 a resource failed, 2 plan found something\n"
    "to change, 3 the playbook or the command line is wrong, 4 the run could not\n"
    "start, 130 interrupted.";

// `helper --as USER --person USER`: the helper at the other end of a pipe, started only by this program.
bool is_helper(int argc, char** argv) {
  return argc == 6 && std::string_view(argv[1]) == "helper" && std::string_view(argv[2]) == "--as" &&
         std::string_view(argv[4]) == "--person";
}

// `tunnel FOLDER NAME`: the process that keeps a tunnel, started by this program or by systemd.
bool is_keeper(int argc, char** argv) { return argc == 4 && std::string_view(argv[1]) == keeper_command; }

constexpr std::string_view first_steps =
    "mlops-agent makes a machine match a playbook, and changes only what differs.\n\n"
    "  mlops-agent plan PLAYBOOK      what would change; touches nothing\n"
    "  mlops-agent apply PLAYBOOK     change it\n"
    "  mlops-agent validate PLAYBOOK  is the file right?\n"
    "  mlops-agent modules [TYPE]     what a playbook can hold, with examples\n\n"
    "`mlops-agent --help` lists all commands, `mlops-agent COMMAND --help` the\n"
    "options of one.\n";

}  // namespace

int run_program(int argc, char** argv) {
  if (is_helper(argc, argv)) return serve_helper(argv[3], argv[5], make_journals);
  if (is_keeper(argc, argv)) return serve_tunnel(argv[2], argv[3]);
  if (argc == 2 && std::string_view(argv[1]) == "serve") return serve_run();
  if (argc == 5 && std::string_view(argv[1]) == "recorded") return print_recorded(argv[2], argv[3], argv[4]);
  if (argc < 2) {
    std::cerr << first_steps;
    return exit_wrong;
  }
  CommandLine program("Makes a machine match a JSON playbook, and changes only what differs.",
                      "mlops-agent " MLOPS_VERSION, std::string(help_end));
  add_plan_and_apply(program);
  add_history(program);
  add_undo(program);
  add_why(program);
  add_forget(program);
  add_validate(program);
  add_facts(program);
  add_modules(program);
  add_schema(program);
  add_tunnels(program);
  add_cloud(program);
  add_idle(program);
  add_keep(program);
  add_bundle(program);
  return program.run(argc, argv);
}

}  // namespace mlops
