// Retries transient failures, with increasing delays.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace mlops {

class Cancellation;

// Waits; throws Error cancelled at once if the person interrupts.
using Wait = std::function<void(std::chrono::milliseconds)>;
Wait wait_until_cancelled(const Cancellation& cancellation);

// The limits on waiting.
class Patience {
 public:
  // what: for the error, "GET https://…". timeout_ms: total, from now on; 0: no limit.
  Patience(Wait wait, std::string what, std::uint64_t timeout_ms);
  // Absent: no limit.
  std::optional<std::chrono::milliseconds> left() const;
  // Error "GET https://… did not end within 5s" after the timeout.
  void check() const;
  // Error as check(), if the timeout comes first.
  void wait(std::chrono::milliseconds time) const;

 private:
  Wait wait_;
  std::string what_;
  std::uint64_t timeout_ms_;
  std::chrono::steady_clock::time_point end_;
};

// Why an attempt is worth a retry.
struct TryAgain {
  std::string cause;
  std::uint64_t seconds = 0;  // requested by the server; 0: none
  bool progressed = false;    // it got further than earlier attempts: the count restarts
};

// Calls attempt up to 5 times, until it returns nothing; waits 0.5, 1, 2, 4 s between, or what the server
// requested, up to 60 s. Absent on success, else the last cause.
std::optional<std::string> retry(const Patience& patience,
                                 const std::function<std::optional<TryAgain>()>& attempt);

// 408, 425, 429, 500, 502, 503, 504.
bool is_worth_another_try(long http_status);

}  // namespace mlops
