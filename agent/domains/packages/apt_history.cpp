#include "domains/packages/apt_history.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace mlops {
namespace {

// The value of the line "Key: value" in an entry; "" if there is none.
std::string_view value_of(std::string_view entry, std::string_view key) {
  for (std::size_t at = 0; (at = entry.find(key, at)) != std::string_view::npos; at += key.size())
    if (at == 0 || entry[at - 1] == '\n') {
      entry.remove_prefix(at + key.size());
      return entry.substr(0, entry.find('\n'));
    }
  return {};
}

}  // namespace

UnfinishedInstall parse_unfinished(std::string_view history) {
  const auto start = history.rfind("Start-Date:");
  if (start == std::string_view::npos) return {};
  const std::string_view entry = history.substr(start);
  if (!value_of(entry, "End-Date:").empty()) return {};

  // docker.io:amd64 (20.10.24, automatic), git:amd64 (1:2.39.5)
  UnfinishedInstall unfinished;
  std::string_view rest = value_of(entry, "Install:");
  while (!rest.empty()) {
    rest.remove_prefix(std::min(rest.find_first_not_of(", "), rest.size()));
    const auto open = rest.find(" (");
    const auto close = rest.find(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) break;
    const std::string name(rest.substr(0, open));
    unfinished.packages.push_back(name);
    if (rest.substr(open, close - open).ends_with(", automatic")) unfinished.automatic.push_back(name);
    rest.remove_prefix(close + 1);
  }
  return unfinished;
}

UnfinishedInstall read_unfinished(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return parse_unfinished(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace mlops
