// Understanding what apt's programs print.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "domains/packages/reader.hpp"

namespace mlops {

// One package as it stands in a playbook: "name", "name:arch", "name=version", "name:arch=version".
struct WantedPackage {
  std::string name;     // with :arch
  std::string version;  // "" when none was asked for
};
WantedPackage parse_wanted(std::string_view text);

// The Inst and Remv lines of `apt-get -s`: the wanted ones first, in their order, then the others by name. What
// is installed already, and what is only configured, is left out.
std::vector<PackageChange> parse_simulation(std::string_view output, const std::vector<std::string>& wanted);

// Of a simulation that failed: the wanted texts that the index does not have, with the version where the name
// is known but not in that version. Empty: it failed for another reason.
std::vector<std::string> parse_unknown(std::string_view output, const std::vector<std::string>& wanted);

// The bytes that `apt-get --print-uris` lists.
std::uint64_t parse_uris(std::string_view output);

// Name -> candidate of `apt-cache policy`; "" for none. Names that it does not know are left out.
std::map<std::string, std::string> parse_policy(std::string_view output);

// What /var/lib/apt/extended_states has as come along with others: "name:architecture".
std::set<std::string> parse_automatic(std::string_view states);

// What could not be fetched by `apt-get update`, as "URL: cause"; "" when everything was.
std::string parse_fetch_failure(std::string_view output);

// The lines for people: without the status lines (dlstatus:, pmstatus:) and the simulation's notice.
std::string without_status_lines(std::string_view output);

// The messages of "E: " lines, joined by "; ", at most the first three; "" when there is none.
std::string error_lines(std::string_view output);

// One line of APT::Status-Fd. percent counts to 100; text is what is being done.
struct AptStatus {
  bool downloading = false;
  double percent = 0;
  std::string text;
};
std::optional<AptStatus> parse_status_line(std::string_view line);

// The names nearest to a mistyped one, nearest first, at most five.
std::vector<std::string> nearest_names(const std::string& name, const std::vector<std::string>& known);

}  // namespace mlops
