// SIGINT, SIGTERM and SIGHUP as a request to stop.
#pragma once

#include "base/cancellation.hpp"

namespace mlops {

// While it lives, the first of them cancels; a second one ends the process at once, as if uncaught. One object
// at a time. cancellation must outlive it.
class InterruptHandler {
 public:
  explicit InterruptHandler(Cancellation& cancellation);
  ~InterruptHandler();
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;
};

}  // namespace mlops
