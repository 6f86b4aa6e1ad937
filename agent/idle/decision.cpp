#include "idle/decision.hpp"

#include <algorithm>

namespace mlops {

std::uint64_t time_left(const IdleSettings& settings, const IdleState& state) {
  const std::uint64_t now = state.checked.value_or(0);
  std::uint64_t left = settings.after > state.idle ? settings.after - state.idle : 0;
  if (state.keep_until > now) left = std::max(left, state.keep_until - now);
  if (state.warned) left = std::max(left, settings.warn > *state.warned ? settings.warn - *state.warned : 0);
  return left;
}

IdleDecision decide(const IdleSettings& settings, IdleState& state, std::vector<Observation> observations,
                    std::uint64_t kept_until, std::uint64_t now) {
  const std::uint64_t before = state.checked.value_or(now);
  const std::uint64_t passed = now > before ? now - before : 0;
  const bool unseen = passed > longest_counted;
  state.checked = now;
  state.keep_until = kept_until;
  state.observations = std::move(observations);
  state.idle += passed;
  if (state.warned) *state.warned += passed;
  if (unseen || std::any_of(state.observations.begin(), state.observations.end(),
                            [](const Observation& o) { return o.active || o.unknown; })) {
    state.idle = 0;
    state.warned.reset();
  }
  const std::uint64_t left = time_left(settings, state);
  if (state.warned && left > settings.warn) state.warned.reset();  // somebody asked to keep it on meanwhile
  if (left > settings.warn) return {IdleStep::nothing, left};
  if (!state.warned) {
    state.warned = 0;
    return {IdleStep::warn, time_left(settings, state)};
  }
  return {left == 0 ? IdleStep::power_off : IdleStep::nothing, left};
}

}  // namespace mlops
