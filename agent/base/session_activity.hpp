// Whether a session of processes still does anything.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>

namespace mlops {

// Looks, a few times within `patience`, at what the processes of a session read, write and compute (proc(5)): a server
// that gives nothing any more leaves all of them waiting. A process that cannot be looked at counts as one that does
// nothing.
class SessionActivity {
 public:
  using Clock = std::chrono::steady_clock;
  using Ms = std::chrono::milliseconds;

  // session: the id of its first process, which must not have been waited for.
  SessionActivity(pid_t session, Ms patience);

  // Time until it is worth asking again.
  Ms next_look() const;
  // Looks when it is time to. True once no byte was moved for as long as `patience`, and next to nothing computed.
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
  std::map<pid_t, Done> last_;  // when something last moved
  Clock::time_point moved_, next_;
};

}  // namespace mlops
