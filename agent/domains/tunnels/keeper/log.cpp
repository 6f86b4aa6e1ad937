#include "domains/tunnels/keeper/log.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace mlops {
namespace {

constexpr std::size_t longest_line = 2048;  // bytes

}  // namespace

TunnelLog::TunnelLog(std::string path) : path_(std::move(path)) { open(); }

void TunnelLog::open() {
  file_ = Handle(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  struct stat status {};
  size_ = file_ && ::fstat(file_.get(), &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

void TunnelLog::write(const std::string& text) {
  std::string line =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ} {}", fmt::gmtime(std::time(nullptr)), text.substr(0, longest_line));
  // It contains text from other programs.
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  line += '\n';
  const std::lock_guard lock(mutex_);
  if (size_ + line.size() > largest) {
    std::rename(path_.c_str(), (path_ + ".1").c_str());
    open();
  }
  if (file_ && ::write(file_.get(), line.data(), line.size()) > 0) size_ += line.size();
}

}  // namespace mlops
