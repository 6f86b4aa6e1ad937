// Tunnels after the changes of a plan.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "domains/simulation.hpp"
#include "domains/tunnels/reader.hpp"

namespace mlops {

class OverlayTunnels : public TunnelReader, public AssumingOverlay {
 public:
  // base must outlive this.
  explicit OverlayTunnels(const TunnelReader& base) : base_(base) {}
  static OverlayTunnels over(const MachineReader& real, const MachineReader& /*root*/) {
    return OverlayTunnels(real.tunnels());
  }

  // A tunnel whose start is simulated is up.
  std::optional<TunnelView> tunnel(const std::string& name) const override;
  std::optional<std::string> listener(const Endpoint& place) const override;
  void apply(const StartTunnel& start) { changed_[start.tunnel.name] = start.tunnel; }
  void apply(const StopTunnel& stop) { changed_[stop.name] = std::nullopt; }

 private:
  const TunnelReader& base_;
  std::map<std::string, std::optional<Tunnel>> changed_;  // by name; nullopt: stopped
};

}  // namespace mlops
