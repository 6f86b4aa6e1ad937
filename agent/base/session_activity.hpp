// Detects whether the processes of a session are still active.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>

namespace mlops {

// Checks, a few times within `patience`, what the processes of a session read, write and compute (proc(5)): if
// a server stops sending, all of them wait. A process that cannot be inspected counts as idle.
class SessionActivity {
 public:
  using Clock = std::chrono::steady_clock;
  using Ms = std::chrono::milliseconds;

  // session: the id of its first process, which must not have been waited for.
  SessionActivity(pid_t session, Ms patience);

  // Time until the next check is due.
  Ms next_look() const;
  // Checks if it is due. True once no byte was moved for as long as `patience`, and next to nothing computed.
  bool stands_still();

 private:
  struct Done {
    std::uint64_t bytes = 0;  // read and written
    std::uint64_t ticks = 0;  // of the processor, sysconf(_SC_CLK_TCK) a second
  };
  std::map<pid_t, Done> look() const;
  bool has_moved(const std::map<pid_t, Done>& now, Clock::duration within) const;

  pid_t session_;
  Ms patience_;
  std::map<pid_t, Done> last_;  // at the last activity
  Clock::time_point moved_, next_;
};

}  // namespace mlops
