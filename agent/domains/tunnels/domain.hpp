// The domain of tunnels, as the list of domains sees it.
#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "base/fields.hpp"
#include "domains/preconditions.hpp"
#include "domains/simulation_parts.hpp"
#include "domains/tunnels/actions.hpp"
#include "domains/tunnels/queries.hpp"
#include "domains/tunnels/reader.hpp"
#include "domains/undo_parts.hpp"

namespace mlops {

struct TunnelsReplaced {
  std::optional<Tunnel> tunnel;
  static constexpr auto fields() { return std::tuple(field("tunnel", &TunnelsReplaced::tunnel)); }
  friend bool operator==(const TunnelsReplaced&, const TunnelsReplaced&) = default;
};

struct TunnelsLocal;  // domains/tunnels/local.hpp

struct TunnelsDomain {
  using Reader = TunnelReader;
  using Actions = TunnelActions;
  using Queries = TunnelQueries;
  using Replaced = TunnelsReplaced;
  template <class Asker>
  using Asked = AskedTunnels<Asker>;
  using Local = TunnelsLocal;
};

// The state of an object of one of its kinds, as one line; absent for other kinds.
std::optional<std::string> fingerprint(TunnelsDomain, const std::string& kind, const std::string& name,
                                       const MachineReader& machine);

// For undo; see domains/undo_parts.hpp.
void capture(const StartTunnel&, CaptureBefore&, Before&);
Inverse invert(const StartTunnel&, const Before&);
bool satisfied(const StartTunnel&, const MachineReader&);
void touch(const StartTunnel&, const Before&, Things&);
void capture(const StopTunnel&, CaptureBefore&, Before&);
Inverse invert(const StopTunnel&, const Before&);
bool satisfied(const StopTunnel&, const MachineReader&);
void touch(const StopTunnel&, const Before&, Things&);
void add_leftovers(const OneOf<TunnelActions> auto&, LeftoverSearch&) {}
const std::string* target_path(const OneOf<TunnelActions> auto&) { return nullptr; }

// Records the result of a read, as far as it is not volatile.
void note(const ReadTunnel&, const ReadTunnel::Result&, Preconditions&);
void note(const ReadListener&, const ReadListener::Result&, Preconditions&);

// The result of a read after the simulated actions.
ReadTunnel::Result simulated(const ReadTunnel&, Simulation&);
ReadListener::Result simulated(const ReadListener&, Simulation&);

// Applies the action to the overlay, with the errors that the real machine would give.
void simulate(const StartTunnel&, Simulation&);
void simulate(const StopTunnel&, Simulation&);

}  // namespace mlops
