// How the reads of network are recorded in a plan.
#include <fmt/format.h>

#include "domains/network/domain.hpp"

namespace mlops {

void note(const ReadListenerAt& q, const ReadListenerAt::Result& found, Preconditions& p) {
  p[fmt::format("who listens at {}:{}", q.address, q.port)] = found ? "somebody" : "nobody";
}
void note(const AskHttp& q, const AskHttp::Result& found, Preconditions& p) {
  p[fmt::format("answer at {}:{}", q.get.address, q.get.port)] = found ? std::to_string(*found) : "none";
}

}  // namespace mlops
