#include "state/process_mark.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "base/handle.hpp"
#include "base/proc_file.hpp"

namespace mlops {
namespace {

std::string read_line(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[4096];
  const ssize_t n = file ? ::read(file.get(), text, sizeof text) : 0;
  const std::string line(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  return line.substr(0, line.find('\n'));
}

// The 22nd field; the second is in brackets and may contain anything. 0 if there is no such process, or it is a
// zombie.
std::int64_t start_of(const std::string& process) {
  const std::string line = read_line("/proc/" + process + "/stat");
  std::size_t at = line.rfind(')');
  if (at == std::string::npos || at + 2 >= line.size() || line[at + 2] == 'Z' || line[at + 2] == 'X') return 0;
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
  return at == std::string::npos ? 0 : std::strtoll(line.c_str() + at, nullptr, 10);
}

}  // namespace

ProcessMark this_process() { return {::getpid(), start_of("self"), boot_id()}; }

bool is_alive(const ProcessMark& mark) {
  return mark.process > 0 && mark.started > 0 && mark.boot == boot_id() &&
         start_of(fmt::format("{}", mark.process)) == mark.started;
}

}  // namespace mlops
