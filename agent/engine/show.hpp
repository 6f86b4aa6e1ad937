// A playbook's `show`: lines printed after success.
#pragma once

#include <vector>

#include "engine/host_values.hpp"
#include "facts/facts.hpp"
#include "model/event.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

// Fills in the lines from the outputs of all hosts and the facts of the controller. A line that refers to a
// resource of several hosts comes once for each of them, prefixed with "HOST: ". One that refers to a repeated
// resource without a key comes once for each key, prefixed with "KEY: " if there are several; if the key is a
// host's name, the other resources are that host's. A line is left out if its condition is false, or if it
// refers to a skipped or unknown resource.
std::vector<ShownLine> show_lines(const Playbook& playbook, const Facts& facts,
                                  const std::vector<HostValues>& hosts, Diagnostics& mistakes);

}  // namespace mlops
