#include "http/retry.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/cancellation.hpp"
#include "base/command_line.hpp"
#include "base/error.hpp"

namespace mlops {
namespace {

constexpr int tries = 5;
constexpr std::chrono::milliseconds first_wait{500};
constexpr std::chrono::seconds longest_wait{60};

}  // namespace

Wait wait_until_cancelled(const Cancellation& cancellation) {
  return [&cancellation](std::chrono::milliseconds time) {
    pollfd cancel{cancellation.fd(), POLLIN, 0};
    poll(&cancel, 1, static_cast<int>(time.count()));
    cancellation.check();
  };
}

Patience::Patience(Wait wait, std::string what, std::uint64_t timeout_ms)
    : wait_(std::move(wait)),
      what_(std::move(what)),
      timeout_ms_(timeout_ms),
      end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms)) {}

std::optional<std::chrono::milliseconds> Patience::left() const {
  if (timeout_ms_ == 0) return {};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

void Patience::check() const {
  if (timeout_ms_ != 0 && std::chrono::steady_clock::now() >= end_)
    throw Error(fmt::format("{} did not end within {}", what_, duration_text(timeout_ms_)));
}

void Patience::wait(std::chrono::milliseconds time) const {
  wait_(std::min(time, left().value_or(time)));
  check();
}

std::optional<std::string> retry(const Patience& patience,
                                 const std::function<std::optional<TryAgain>()>& attempt) {
  for (int failures = 0;;) {
    const auto again = attempt();
    if (!again) return {};
    failures = again->progressed ? 1 : failures + 1;
    if (failures == tries) return fmt::format("{} (tried {} times)", again->cause, tries);
    const std::chrono::milliseconds own = first_wait * (1 << (failures - 1));
    const std::chrono::seconds asked(std::min<std::uint64_t>(again->seconds, longest_wait.count()));
    patience.wait(std::max<std::chrono::milliseconds>(own, asked));
  }
}

bool is_worth_another_try(long status) {
  constexpr long worth[] = {408, 425, 429, 500, 502, 503, 504};
  return std::find(std::begin(worth), std::end(worth), status) != std::end(worth);
}

}  // namespace mlops
