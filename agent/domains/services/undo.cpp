// How a change of a unit is reverted.
#include <fmt/format.h>

#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/domains.hpp"
#include "domains/inverse.hpp"

namespace mlops {

using Verb = ChangeUnit::Verb;

void capture(const ChangeUnit& a, CaptureBefore& c, Before& b) {
  const Unit unit = c.machine().services().unit(a.unit);
  b.active = unit.active();
  b.enabled = unit.enabled();
}

Inverse invert(const ChangeUnit& a, const Before& b) {
  const auto back = [&](const std::optional<bool>& was, bool is, Verb verb) {
    return was && *was != is ? Inverse{{ChangeUnit{a.unit, verb}}, {}} : Inverse();
  };
  switch (a.verb) {
    case Verb::start:
    case Verb::restart:
      return back(b.active, true, Verb::stop);
    case Verb::stop:
      return back(b.active, false, Verb::start);
    case Verb::enable:
      return back(b.enabled, true, Verb::disable);
    case Verb::disable:
      return back(b.enabled, false, Verb::enable);
    case Verb::reload:
      break;
  }
  return {};
}

bool satisfied(const ChangeUnit& a, const MachineReader& m) {
  const Unit unit = m.services().unit(a.unit);
  switch (a.verb) {
    case Verb::start:
      return unit.active();
    case Verb::stop:
      return !unit.active();
    case Verb::enable:
      return unit.enabled();
    case Verb::disable:
      return !unit.enabled();
    case Verb::restart:
    case Verb::reload:
      break;
  }
  return false;
}

void touch(const ChangeUnit& a, const Before&, Things& things) { things.insert("service " + a.unit); }

std::optional<std::string> fingerprint(ServicesDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& m) {
  if (kind != "service") return std::nullopt;
  const Unit unit = m.services().unit(name);
  return fmt::format("{}, {}", unit.active() ? "active" : "inactive",
                     unit.enabled() ? "enabled" : "not enabled");
}

}  // namespace mlops
