// How a run ends, for scripts. Several reasons: refused before wrong before interrupted before failed before pending.
#pragma once

namespace mlops {

enum ExitCode : int {
  exit_done = 0,           // nothing left to do
  exit_failed = 1,         // a resource failed
  exit_pending = 2,        // plan found something to change, or unknown
  exit_wrong = 3,          // the playbook or the command line is wrong; nothing was touched
  exit_not_started = 4,    // lock held, no right to become root; nothing was touched
  exit_interrupted = 130,  // SIGINT, SIGTERM
};

}  // namespace mlops
