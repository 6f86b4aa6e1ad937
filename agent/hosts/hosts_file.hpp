// The file of --hosts: target names, one per line.
#pragma once

#include <string>
#include <vector>

#include "model/diagnostic.hpp"

namespace mlops {

// Whether the word can be the name of a host: one that ssh knows, or user@host:port.
bool is_host_name(const std::string& word);

// The names in the text, in order; # begins a comment, a byte order mark is skipped. Mistakes point into the
// text, which must outlive them. A text in another format (an inventory, YAML, JSON, ssh's configuration,
// /etc/hosts) is one mistake, at the first line that shows it; so is a text without host names.
std::vector<std::string> parse_hosts_file(const Source& text, Diagnostics& mistakes);

}  // namespace mlops
