#include "base/proc_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/handle.hpp"

namespace mlops {

std::string read_proc_file(const std::string& path) {
  const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char part[4096];
  while (file) {
    const ssize_t size = ::read(file.get(), part, sizeof part);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return "";
    if (size == 0) break;
    text.append(part, static_cast<std::size_t>(size));
  }
  return text;
}

std::string boot_id() {
  const std::string text = read_proc_file("/proc/sys/kernel/random/boot_id");
  return text.substr(0, text.find('\n'));
}

}  // namespace mlops
