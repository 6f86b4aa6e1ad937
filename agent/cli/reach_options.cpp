#include "cli/reach_options.hpp"

#include "cli/command_options.hpp"

namespace mlops {

void add_reach_options(CommandOptions& command, ReachSettings& reach) {
  command
      .repeated("--host", reach.hosts,
                "Another machine: a name that ssh knows, or user@host:port (again for more)")
      .value_name("HOST");
  command.option("--hosts", reach.hosts_file, "Other machines from a file, one a line").value_name("FILE");
  command.flag("--accept-new-host-keys", reach.accept_new_host_keys,
               "Accept a host key that is not known yet, and remember it");
  command.option("--ssh-config", reach.ssh_config, "Use this file instead of ~/.ssh/config").value_name("FILE");
}

}  // namespace mlops
