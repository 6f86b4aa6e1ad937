// The exit statuses, for scripts.
#pragma once

#include "runs/run_end.hpp"

namespace mlops {

enum ExitCode : int {
  exit_done = 0,           // nothing left to do
  exit_failed = 1,         // a resource failed
  exit_pending = 2,        // plan found pending or unknown changes
  exit_wrong = 3,          // the playbook or the command line is wrong; nothing was changed
  exit_not_started = 4,    // lock held, cannot become root; nothing was changed
  exit_interrupted = 130,  // SIGINT, SIGTERM
};

constexpr int exit_code(RunEnd end) {
  switch (end) {
    case RunEnd::done:
      return exit_done;
    case RunEnd::pending:
      return exit_pending;
    case RunEnd::failed:
      return exit_failed;
    case RunEnd::interrupted:
      return exit_interrupted;
    case RunEnd::wrong:
      return exit_wrong;
    case RunEnd::not_started:
      return exit_not_started;
  }
  return exit_failed;
}

}  // namespace mlops
