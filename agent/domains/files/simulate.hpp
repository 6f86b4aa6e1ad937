// What other domains do to files in a plan.
#pragma once

#include <string>

#include "domains/downloads/actions.hpp"
#include "domains/simulation_parts.hpp"

namespace mlops {

// Writes the file, with unknown content.
void simulate_download(const Download& action, Simulation& simulation);
// A program will create the path, as a folder or a file.
void assume_made(const std::string& path, Simulation& simulation);
// Whether simulated actions changed it.
bool is_changed(const std::string& path, Simulation& simulation);
// Whether it exists, or simulated actions may have made it, for any identity.
bool may_be_made(const std::string& path, Simulation& simulation);

}  // namespace mlops
