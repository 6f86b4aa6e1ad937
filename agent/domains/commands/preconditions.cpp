// How the reads of commands are recorded in a plan.
#include <fmt/format.h>

#include "base/command_line.hpp"
#include "domains/commands/domain.hpp"

namespace mlops {

void note(const RunGuard& q, const RunGuard::Result& found, Preconditions& p) {
  p[fmt::format("status of `{}`", short_command_line(q.command.argv))] = std::to_string(found.status);
}

}  // namespace mlops
