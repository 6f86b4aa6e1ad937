// Exit statuses of a run, for scripts. With several reasons: not started before wrong before interrupted before
// failed before pending.
#pragma once

namespace mlops {

enum ExitCode : int {
  exit_done = 0,           // nothing left to do
  exit_failed = 1,         // a resource failed
  exit_pending = 2,        // plan found pending or unknown changes
  exit_wrong = 3,          // the playbook or the command line is wrong; nothing was changed
  exit_not_started = 4,    // lock held, cannot become root; nothing was changed
  exit_interrupted = 130,  // SIGINT, SIGTERM
};

}  // namespace mlops
