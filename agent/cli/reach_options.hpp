// The options of commands that reach other machines.
#pragma once

#include "hosts/chosen_hosts.hpp"

namespace mlops {

class CommandOptions;

// --host, --hosts, --accept-new-host-keys and --ssh-config.
void add_reach_options(CommandOptions& command, ReachSettings& reach);

}  // namespace mlops
