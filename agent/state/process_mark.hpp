// Identifies the process of a run: process ids alone are reused.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

struct ProcessMark {
  std::int64_t process = 0, started = 0;  // started: clock ticks since boot, proc(5)
  std::string boot;                       // /proc/sys/kernel/random/boot_id
  friend bool operator==(const ProcessMark&, const ProcessMark&) = default;
};

ProcessMark this_process();
// Whether it is still running.
bool is_alive(const ProcessMark& mark);

}  // namespace mlops
