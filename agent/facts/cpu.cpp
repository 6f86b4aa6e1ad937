#include <unistd.h>

#include <sstream>

#include "facts/groups.hpp"

namespace mlops::facts {
namespace {

// The value of the first line "key : value" of /proc/cpuinfo.
Value first_of(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with(key)) continue;
    const auto key_end = line.find_last_not_of(" \t", colon - 1);
    const auto from = line.find_first_not_of(" \t", colon + 1);
    if (key_end + 1 == key.size() && from != std::string::npos) return line.substr(from);
  }
  return {};
}

}  // namespace

Value cpu(const std::string& root) {
  const std::string info = content_of(root + "/proc/cpuinfo");
  Value model = first_of(info, "model name");
  if (model.is_null()) model = first_of(info, "Model");  // single-board computers
  Value v;
  v.set("count", static_cast<std::int64_t>(::sysconf(_SC_NPROCESSORS_ONLN)));
  v.set("model", std::move(model));
  return v;
}

}  // namespace mlops::facts
