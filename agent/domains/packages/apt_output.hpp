// Parses the output of apt's programs.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "domains/packages/reader.hpp"

namespace mlops {

// One package as written in a playbook: "name", "name:arch", "name=version", "name:arch=version".
struct WantedPackage {
  std::string name;     // including :arch
  std::string version;  // "" if none was given
};
WantedPackage parse_wanted(std::string_view text);

// The Inst and Remv lines of `apt-get -s`: the requested packages first, in their order, then the others by
// name. Packages that are already installed, or only configured, are omitted.
std::vector<PackageChange> parse_simulation(std::string_view output, const std::vector<std::string>& wanted);

// For a failed simulation: the requested texts that the index does not have, with the version if the name is
// known but not in that version. Empty: it failed for another reason.
std::vector<std::string> parse_unknown(std::string_view output, const std::vector<std::string>& wanted);

// The total bytes that `apt-get --print-uris` lists.
std::uint64_t parse_uris(std::string_view output);

// Name -> candidate of `apt-cache policy`; "" for none. Unknown names are omitted.
std::map<std::string, std::string> parse_policy(std::string_view output);

// The packages that /var/lib/apt/extended_states marks as automatically installed: "name:architecture".
std::set<std::string> parse_automatic(std::string_view states);

// What `apt-get update` failed to fetch, as "URL: cause"; "" if nothing.
std::string parse_fetch_failure(std::string_view output);

// The lines for people: without the status lines (dlstatus:, pmstatus:) and the simulation's notice.
std::string without_status_lines(std::string_view output);

// The messages of "E: " lines, joined by "; ", at most the first three; "" if there are none.
std::string error_lines(std::string_view output);

// One line of APT::Status-Fd. percent counts to 100; text is the current operation.
struct AptStatus {
  bool downloading = false;
  double percent = 0;
  std::string text;
};
std::optional<AptStatus> parse_status_line(std::string_view line);

// The names nearest to a mistyped one, nearest first, at most five.
std::vector<std::string> nearest_names(const std::string& name, const std::vector<std::string>& known);

}  // namespace mlops
