// What apt was about to do when it was killed, from the log that it writes before it begins.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// The packages that an interrupted transaction was to install, as "name:arch". automatic: those of them that
// are only dependencies or recommendations.
struct UnfinishedInstall {
  std::vector<std::string> packages, automatic;
  friend bool operator==(const UnfinishedInstall&, const UnfinishedInstall&) = default;
};

// Of the last entry in the text of /var/log/apt/history.log, if it has no End-Date; empty otherwise.
UnfinishedInstall parse_unfinished(std::string_view history);

// The same for the file at path; empty if it cannot be read.
UnfinishedInstall read_unfinished(const std::string& path);

}  // namespace mlops
