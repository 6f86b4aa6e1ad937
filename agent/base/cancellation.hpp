// The person's wish to stop, seen by whatever takes time.
#pragma once

#include <atomic>

namespace mlops {

// Set by a signal handler or by a helper's end of input; never unset. All members but the constructor and the
// destructor may be called from any thread and from a signal handler.
class Cancellation {
 public:
  Cancellation();  // Error when no pipe can be had
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  void cancel() noexcept;
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
  // Becomes readable, for poll(2), when cancelled, and stays so. Owned by this; do not read from it.
  int fd() const noexcept { return pipe_[0]; }
  // Error cancelled ("interrupted") when cancelled.
  void check() const;

 private:
  std::atomic<bool> cancelled_{false};
  int pipe_[2];
};

}  // namespace mlops
