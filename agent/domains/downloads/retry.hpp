// Trying again, with longer and longer waits, what may go well the next time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace mlops {

class Cancellation;

// Waits; throws Error cancelled at once when the person interrupts.
using Wait = std::function<void(std::chrono::milliseconds)>;
Wait wait_until_cancelled(const Cancellation& cancellation);

// What waiting has to keep to.
class Patience {
 public:
  // what: for the error, "GET https://…". timeout_ms: for all of it, from now on; 0: no end.
  Patience(Wait wait, std::string what, std::uint64_t timeout_ms);
  // Absent: no end.
  std::optional<std::chrono::milliseconds> left() const;
  // Error "GET https://… did not end within 5s" when the time is up.
  void check() const;
  // Error as check(), when the time is up before.
  void wait(std::chrono::milliseconds time) const;

 private:
  Wait wait_;
  std::string what_;
  std::uint64_t timeout_ms_;
  std::chrono::steady_clock::time_point end_;
};

// Why an attempt is worth another.
struct TryAgain {
  std::string cause;
  std::uint64_t seconds = 0;  // that the server asked for; 0: none
  bool progressed = false;    // it came further than those before: the count begins anew
};

// Calls attempt up to 5 times, until it returns nothing; waits 0.5, 1, 2, 4 s between, or what the server asked
// for up to 60 s. Absent when it went well, else the last cause.
std::optional<std::string> retry(const Patience& patience, const std::function<std::optional<TryAgain>()>& attempt);

// 408, 425, 429, 500, 502, 503, 504.
bool is_worth_another_try(long http_status);

}  // namespace mlops
