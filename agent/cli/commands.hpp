// The commands, one file each. Each adds itself to the program; its callback sets the exit status.
#pragma once

namespace CLI {
class App;
}

namespace mlops {

void add_plan_and_apply(CLI::App& app, int& exit_status);
void add_validate(CLI::App& app, int& exit_status);
void add_facts(CLI::App& app, int& exit_status);
void add_modules(CLI::App& app, int& exit_status);
void add_bundle(CLI::App& app, int& exit_status);
void add_schema(CLI::App& app, int& exit_status);
void add_history(CLI::App& app, int& exit_status);
void add_undo(CLI::App& app, int& exit_status);
void add_why(CLI::App& app, int& exit_status);
void add_forget(CLI::App& app, int& exit_status);
void add_tunnels(CLI::App& app, int& exit_status);

// The process that keeps a tunnel: runs until it is told to stop. Its exit status.
int serve_tunnel(const char* folder, const char* name);

}  // namespace mlops
