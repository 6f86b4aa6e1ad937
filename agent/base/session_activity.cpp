#include "base/session_activity.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <sstream>
#include <string>

#include "base/proc_file.hpp"

namespace mlops {
namespace {

constexpr int looks = 8;             // checks within the patience
constexpr double idle_share = 0.05;  // of one processor: used by waiting with timeouts

}  // namespace

SessionActivity::SessionActivity(pid_t session, Ms patience)
    : session_(session),
      patience_(patience),
      last_(look()),
      moved_(Clock::now()),
      next_(moved_ + patience / looks) {}

SessionActivity::Ms SessionActivity::next_look() const {
  return std::max(std::chrono::ceil<Ms>(next_ - Clock::now()), Ms(0));
}

bool SessionActivity::stands_still() {
  const auto now = Clock::now();
  if (now < next_) return false;
  next_ = now + patience_ / looks;
  auto found = look();
  if (has_moved(found, now - moved_)) {
    last_ = std::move(found);
    moved_ = now;
  }
  return now - moved_ >= patience_;
}

// A process that started or ended counts as activity.
bool SessionActivity::has_moved(const std::map<pid_t, Done>& now, Clock::duration within) const {
  if (now.size() != last_.size()) return true;
  std::uint64_t ticks = 0;
  for (const auto& [pid, done] : now) {
    const auto before = last_.find(pid);
    if (before == last_.end() || done.bytes != before->second.bytes) return true;
    ticks += done.ticks - before->second.ticks;
  }
  const double seconds = static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  const double least = std::chrono::duration<double>(within).count() * idle_share;
  return ticks > 1 && seconds > least;
}

std::map<pid_t, SessionActivity::Done> SessionActivity::look() const {
  std::map<pid_t, Done> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    pid_t pid = 0;
    const std::string name = entry->d_name;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    const std::string stat = read_proc_file("/proc/" + name + "/stat");
    const auto close = stat.rfind(')');
    if (close == std::string::npos) continue;
    // "S ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime"
    std::istringstream fields(stat.substr(close + 1));
    char state = 0;
    long skipped = 0, session = 0;
    Done done;
    std::uint64_t user = 0, system = 0;
    fields >> state >> skipped >> skipped >> session;
    if (!fields || session != session_) continue;
    for (int i = 0; i < 7; ++i) fields >> skipped;
    fields >> user >> system;
    done.ticks = user + system;
    std::istringstream io(read_proc_file("/proc/" + name + "/io"));
    std::string key;
    for (std::uint64_t value = 0; io >> key >> value;)
      if (key == "rchar:" || key == "wchar:") done.bytes += value;
    all.emplace(pid, done);
  }
  return all;
}

}  // namespace mlops
