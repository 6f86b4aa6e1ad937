// Programs in a plan: what they would do is not known, but for what they declare.
#include "domains/files/simulate.hpp"
#include "domains/accounts/overlay.hpp"
#include "domains/commands/domain.hpp"
#include "domains/simulation.hpp"

namespace mlops {
namespace {

Command with_path(Command command, const Simulation& s) {
  if (const auto own = s.host.path.find(s.user); own != s.host.path.end())
    command.path.insert(command.path.begin(), own->second.begin(), own->second.end());
  return command;
}

}  // namespace

// A program that is queried could see anything pending, unless its resource declares what it depends on. The
// user that it runs as, and the program, must exist.
RunGuard::Result simulated(const RunGuard& q, Simulation& s) {
  const CommandReader& real = s.real.commands();
  const auto& pending = s.host.depended_on ? *s.host.depended_on : s.host.all;
  if (!pending.empty()) throw Unknown{pending, ""};
  const Command prepared = with_path(q.command, s);
  if (!s.host.all.empty() &&
      (s.host.overlay<OverlayAccounts>().touched_user(s.user) || real.cannot_start(prepared)))
    throw Unknown{s.host.all, ""};
  return real.run(prepared);
}

// A pending program or package may create it; so may a simulated file.
CheckStart::Result simulated(const CheckStart& q, Simulation& s) {
  if (!s.host.running.empty() || !s.host.installing.empty()) return std::nullopt;
  const Command prepared = with_path(q.command, s);
  auto error = s.real.commands().cannot_start(prepared);
  if (!error) return std::nullopt;
  for (const std::string& place : s.real.commands().places(prepared))
    if (may_be_made(place, s)) return std::nullopt;
  return error;
}

ListPlaces::Result simulated(const ListPlaces& q, Simulation& s) {
  return s.real.commands().places(with_path(q.command, s));
}

void simulate(const RunCommand& a, Simulation& s) {
  for (const std::string& path : a.creates) assume_made(path, s);
  if (!a.bounded) SimulatedHost::add(s.host.running, s.host.label);
}

}  // namespace mlops
