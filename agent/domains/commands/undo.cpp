// How a command is reverted: only what it creates, if it changes nothing else.
#include <algorithm>

#include <fmt/format.h>

#include "base/command_line.hpp"
#include "domains/before.hpp"
#include "domains/capture_before.hpp"
#include "domains/inverse.hpp"
#include "domains/leftovers.hpp"

namespace mlops {
namespace {

bool was_absent(const SavedPath& path) { return path.kind == SavedPath::Kind::absent; }

}  // namespace

void capture(const RunCommand& a, CaptureBefore& c, Before& b) {
  for (const std::string& path : a.creates) c.attributes(c.real(path, false), b);
}

Inverse invert(const RunCommand& a, const Before& b) {
  const bool all_new = std::all_of(b.paths.begin(), b.paths.end(), was_absent);
  if (!a.bounded || a.creates.empty() || !all_new)
    return {{}, {fmt::format("the command `{}`", short_command_line(a.command.argv))}};
  Inverse result;
  for (auto path = a.creates.rbegin(); path != a.creates.rend(); ++path)
    result.actions.push_back(RemovePath{*path, true});
  return result;
}

bool satisfied(const RunCommand&, const MachineReader&) { return false; }

// The previous object cannot be restored, so what is below it is of no use.
void touch(const RunCommand& a, const Before& b, Things& things) {
  for (std::size_t i = 0; i < a.creates.size(); ++i) {
    const bool made = i < b.paths.size() && was_absent(b.paths[i]);
    touch_path(i, a.creates[i], b, things, a.bounded && made ? "tree" : "path");
  }
}

void add_leftovers(const RunCommand& a, LeftoverSearch& s) {
  for (std::size_t i = 0; a.bounded && i < a.creates.size(); ++i) s.add_made(i, a.creates[i]);
}

}  // namespace mlops
