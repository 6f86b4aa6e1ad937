// The commands, one file each. Each adds itself to the program; its callback sets the exit status.
#pragma once

namespace mlops {

class CommandLine;

void add_plan_and_apply(CommandLine& program);
void add_validate(CommandLine& program);
void add_facts(CommandLine& program);
void add_modules(CommandLine& program);
void add_bundle(CommandLine& program);
void add_schema(CommandLine& program);
void add_history(CommandLine& program);
void add_undo(CommandLine& program);
void add_why(CommandLine& program);
void add_forget(CommandLine& program);
void add_tunnels(CommandLine& program);
void add_cloud(CommandLine& program);
void add_idle(CommandLine& program);
void add_keep(CommandLine& program);

// The process that keeps a tunnel: runs until it is asked to stop. Returns its exit status.
int serve_tunnel(const char* folder, const char* name);

}  // namespace mlops
