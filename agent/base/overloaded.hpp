// The cases of a std::visit, side by side.
#pragma once

namespace mlops {

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
// C++20 does without; clang 14 does not.
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

}  // namespace mlops
