#include "machine/downloads/retry.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "machine/cancellation.hpp"

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

std::optional<std::string> retry(const Wait& wait, const std::function<std::optional<TryAgain>()>& attempt) {
  for (int failures = 0;;) {
    const auto again = attempt();
    if (!again) return {};
    failures = again->progressed ? 1 : failures + 1;
    if (failures == tries) return fmt::format("{} (tried {} times)", again->cause, tries);
    const std::chrono::milliseconds own = first_wait * (1 << (failures - 1));
    const std::chrono::seconds asked(std::min<std::uint64_t>(again->seconds, longest_wait.count()));
    wait(std::max<std::chrono::milliseconds>(own, asked));
  }
}

bool is_worth_another_try(long status) {
  constexpr long worth[] = {408, 425, 429, 500, 502, 503, 504};
  return std::find(std::begin(worth), std::end(worth), status) != std::end(worth);
}

}  // namespace mlops
