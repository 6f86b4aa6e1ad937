// How a command that runs something ended.
#pragma once

namespace mlops {

// Also the exit status of the program. With several reasons, the first of: not_started, wrong, interrupted,
// failed, pending.
enum class RunEnd : int {
  done = 0,           // nothing is left to do
  failed = 1,         // a resource failed
  pending = 2,        // a plan found pending or unknown changes
  wrong = 3,          // the playbook or the request is wrong; nothing was changed
  not_started = 4,    // lock held, cannot become root, host not reached; nothing was changed
  interrupted = 130,  // SIGINT, SIGTERM
};

constexpr int exit_status(RunEnd end) { return static_cast<int>(end); }

}  // namespace mlops
