// Facts of targets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hosts/chosen_hosts.hpp"

namespace mlops {

struct HostFacts {
  std::string host;
  std::optional<Value> facts;  // absent: there is no such fact
  std::string error;           // why it could not be read; "" on success
};

// The fact or group at the path ("os.id"; "": all) of each host, in the given order; hosts are asked in
// parallel. Nothing changes there except the agent's own cache folder. Error of check_ssh_config.
std::vector<HostFacts> remote_facts(const ReachSettings& reach, const std::vector<std::string>& hosts,
                                    const std::string& path, const Cancellation& cancellation);

}  // namespace mlops
