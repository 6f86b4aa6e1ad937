// How a command that runs something ended.
#pragma once

namespace mlops {

// With several reasons, the first of: not_started, wrong, interrupted, failed, pending.
enum class RunEnd {
  done,         // nothing is left to do
  pending,      // a plan found pending or unknown changes
  failed,       // a resource failed
  interrupted,  // the cancellation was requested
  wrong,        // the playbook or the request is wrong; nothing was changed
  not_started,  // lock held, cannot become root, host not reached; nothing was changed
};

}  // namespace mlops
