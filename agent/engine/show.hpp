// A playbook's `show`: what people are told after success.
#pragma once

#include <vector>

#include "engine/host_values.hpp"
#include "facts/facts.hpp"
#include "model/event.hpp"
#include "playbook/playbook.hpp"

namespace mlops {

// The lines, filled in with what all hosts gave and the facts of where the command was typed. A line that refers to a
// resource of several hosts comes once for each of them, "HOST: " before it. One that refers to a repeated resource
// without a key comes once for each key, "KEY: " before it where there are several, and where the key is a host's name
// the other resources are that host's. One whose condition does not hold, or that refers to what was skipped or is not
// known, is left out.
std::vector<ShownLine> show_lines(const Playbook& playbook, const Facts& facts,
                                    const std::vector<HostValues>& hosts, Diagnostics& mistakes);

}  // namespace mlops
