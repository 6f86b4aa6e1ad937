#include "domains/services/overlay.hpp"

#include "base/wall_clock.hpp"

namespace mlops {
namespace {

void set_active(Unit& unit, bool active, const std::string& when) {
  if (unit.active() == active && unit.active_state != "activating" && unit.active_state != "deactivating")
    return;
  unit.since = when;
  unit.up_ms = UINT64_MAX;
  unit.active_state = active ? "active" : "inactive";
  unit.sub_state = active ? "running" : "dead";
}

void change(Unit& unit, ChangeUnit::Verb verb, const std::string& when) {
  if (!unit.exists()) unit.load_state = "loaded";
  switch (verb) {
    case ChangeUnit::Verb::restart:
      set_active(unit, false, when);
      return set_active(unit, true, when);
    case ChangeUnit::Verb::start:
      return set_active(unit, true, when);
    case ChangeUnit::Verb::stop:
      return set_active(unit, false, when);
    case ChangeUnit::Verb::reload:
      return;
    case ChangeUnit::Verb::enable:
      unit.enabled_state = "enabled";
      return;
    case ChangeUnit::Verb::disable:
      unit.enabled_state = "disabled";
      return;
  }
}

}  // namespace

Unit OverlayServices::unit(const std::string& name) const {
  Unit unit = base_.unit(name);
  if (const auto found = changes_.find(name); found != changes_.end())
    for (const auto& [verb, when] : found->second) change(unit, verb, when);
  return unit;
}

void OverlayServices::apply(const ChangeUnit& change) {
  changes_[change.unit].push_back({change.verb, std::to_string(microseconds_now())});
}

}  // namespace mlops
