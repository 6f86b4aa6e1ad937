#include <sys/stat.h>

#include "facts/groups.hpp"

namespace mlops::facts {

Value init(const std::string& root) {
  struct stat s;
  if (::stat((root + "/run/systemd/system").c_str(), &s) == 0 && S_ISDIR(s.st_mode))
    return "systemd";  // sd_booted(3)
  std::string name = content_of(root + "/proc/1/comm");
  while (name.ends_with('\n')) name.pop_back();
  return name.empty() ? Value() : Value(name);
}

}  // namespace mlops::facts
