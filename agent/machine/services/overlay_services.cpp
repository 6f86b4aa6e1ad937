#include "machine/services/overlay_services.hpp"

namespace mlops {
namespace {

void set_active(Unit& unit, bool active) {
  if (unit.active() == active && unit.active_state != "activating" && unit.active_state != "deactivating")
    return;
  unit.active_state = active ? "active" : "inactive";
  unit.sub_state = active ? "running" : "dead";
}

void change(Unit& unit, ChangeUnit::Verb verb) {
  if (!unit.exists()) unit.load_state = "loaded";
  switch (verb) {
    case ChangeUnit::Verb::start:
    case ChangeUnit::Verb::restart:
      return set_active(unit, true);
    case ChangeUnit::Verb::stop:
      return set_active(unit, false);
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
    for (const ChangeUnit::Verb verb : found->second) change(unit, verb);
  return unit;
}

}  // namespace mlops
