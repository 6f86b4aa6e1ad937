// The tunnels of one user of this machine.
#pragma once

#include <string>

#include "machine/cancellation.hpp"
#include "machine/commands/process.hpp"
#include "machine/tunnels/tunnel_reader.hpp"

namespace mlops {

class LocalTunnels : public TunnelReader {
 public:
  // cancellation must outlive this.
  LocalTunnels(ActingUser who, const Cancellation& cancellation);

  std::optional<TunnelView> tunnel(const std::string& name) const override;
  std::optional<std::string> listener(const Endpoint& place) const override;
  void perform(const StartTunnel& start);
  void perform(const StopTunnel& stop);

 private:
  ActingUser who_;
  const Cancellation& cancellation_;
};

}  // namespace mlops
