// The person's request to stop, checked by every slow operation.
#pragma once

#include <atomic>

namespace mlops {

// Set by a signal handler or at the end of a helper's input; never unset. All members except the constructor
// and the destructor are thread-safe and async-signal-safe.
class Cancellation {
 public:
  Cancellation();  // Error if no pipe can be created
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
