// The cases of a std::visit, side by side.
#pragma once

namespace mlops {

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};

}  // namespace mlops
