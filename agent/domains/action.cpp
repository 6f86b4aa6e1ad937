#include "domains/action.hpp"

#include <variant>

namespace mlops {

const ActionTraits& traits_of(const Action& action) {
  return std::visit([](const auto& a) -> const ActionTraits& { return a.traits; }, action);
}

const std::string* path_of(const Action& action) {
  return std::visit([](const auto& a) { return target_path(a); }, action);
}

}  // namespace mlops
