// The exit statuses as constants, for commands that run nothing.
#pragma once

#include "runs/run_end.hpp"

namespace mlops {

enum ExitCode : int {
  exit_done = exit_status(RunEnd::done),
  exit_failed = exit_status(RunEnd::failed),
  exit_pending = exit_status(RunEnd::pending),
  exit_wrong = exit_status(RunEnd::wrong),
  exit_not_started = exit_status(RunEnd::not_started),
  exit_interrupted = exit_status(RunEnd::interrupted),
};

}  // namespace mlops
