// What can be done to units of the init system, as plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"

namespace mlops {

// One verb on one unit; waits until its job ends. The manager is reloaded first if the unit's file changed.
struct ChangeUnit {
  static constexpr ActionTraits traits{"change_unit",         Runs::no_program, Effect::assumed,
                                       OnFailure::maybe_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  enum class Verb { start, stop, restart, reload, enable, disable };
  friend constexpr auto enumerators(Verb) {
    return std::array{"start", "stop", "restart", "reload", "enable", "disable"};
  }
  std::string unit;  // with its suffix: "docker.service"
  Verb verb = Verb::start;
  std::vector<std::uint16_t> listens;  // TCP ports on which the unit listens once it runs; assumed by a plan
  static constexpr auto fields() {
    return std::tuple(field("unit", &ChangeUnit::unit), field("verb", &ChangeUnit::verb),
                      unrecorded("listens", &ChangeUnit::listens));
  }
  friend bool operator==(const ChangeUnit&, const ChangeUnit&) = default;
};

using ServiceActions = TypeList<ChangeUnit>;

}  // namespace mlops
