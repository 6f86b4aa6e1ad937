#include "hosts/protocol.hpp"

#include <algorithm>

#include "domains/action.hpp"
#include "model/value_wire.hpp"

namespace mlops {
namespace {

bool are_known(const std::vector<Change>& changes) {
  return std::all_of(changes.begin(), changes.end(),
                     [](const Change& change) { return change.kind <= Change::Kind::unknown; });
}

// Checks values that are later used as an index or in a switch.
void check(const ToController& message) {
  const auto* happened = std::get_if<Happened>(&message);
  const auto* r = happened ? std::get_if<ResourceFinished>(&happened->event) : nullptr;
  bool good = !r || (static_cast<std::size_t>(r->outcome) < outcome_count && are_known(r->changes));
  if (const auto* ended = std::get_if<PlayEnded>(&message))
    for (const auto& [id, instances] : ended->resources)
      for (const auto& [key, given] : instances) good = good && given.state <= Given::State::unknown;
  if (const auto* made = std::get_if<PlanMade>(&message))
    for (const PlannedResource& planned : made->resources)
      good = good && static_cast<std::size_t>(planned.outcome) < outcome_count && are_known(planned.changes);
  if (const auto* failed = std::get_if<Failed>(&message)) good = failed->kind <= ErrorKind::unsynced;
  if (!good) throw Error("a message holds a number that stands for nothing");
}

}  // namespace

std::string encode(const ToTarget& message) { return to_wire(message); }
std::string encode(const ToController& message) { return to_wire(message); }
ToTarget decode_to_target(std::string_view bytes) { return from_wire<ToTarget>(bytes); }
ToController decode_to_controller(std::string_view bytes) {
  auto message = from_wire<ToController>(bytes);
  check(message);
  return message;
}

}  // namespace mlops
