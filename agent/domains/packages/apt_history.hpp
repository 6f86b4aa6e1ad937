// What apt was about to do when it was killed: its own log says so before it begins.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mlops {

// The packages that a transaction which never ended meant to install, as "name:arch". automatic: those of them
// that only came along (dependencies, recommendations).
struct UnfinishedInstall {
  std::vector<std::string> packages, automatic;
  friend bool operator==(const UnfinishedInstall&, const UnfinishedInstall&) = default;
};

// Of the last entry in the text of /var/log/apt/history.log, when it has no End-Date; empty otherwise.
UnfinishedInstall parse_unfinished(std::string_view history);

// The same of the file at path; empty when it cannot be read.
UnfinishedInstall read_unfinished(const std::string& path);

}  // namespace mlops
