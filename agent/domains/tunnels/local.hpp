// The tunnels of one user of this machine.
#pragma once

#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/process.hpp"
#include "base/type_list.hpp"
#include "domains/local_context.hpp"
#include "domains/tunnels/actions.hpp"
#include "domains/tunnels/control.hpp"
#include "domains/tunnels/reader.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace mlops {

class LocalTunnels : public TunnelReader {
 public:
  // cancellation must outlive this.
  LocalTunnels(ActingUser who, const Cancellation& cancellation);

  std::optional<TunnelView> tunnel(const std::string& name) const override;
  std::optional<std::string> listener(const Endpoint& place) const override;
  void perform(const StartTunnel& start);
  void perform(const StopTunnel& stop);

  // The names of all recorded tunnels, sorted.
  std::vector<std::string> names() const { return folder_.names(); }
  // As tunnel(), with what its process reports besides; absent if there is no response.
  struct Report {
    TunnelView view;
    std::optional<TunnelStatus> status;
  };
  std::optional<Report> report(const std::string& name) const;

 private:
  bool stands_as(const Tunnel& wanted) const;
  void start(const Tunnel& wanted, bool was_there);

  ActingUser who_;
  TunnelFolder folder_;
  const Cancellation& cancellation_;
};

// The domain's part of the local machine.
struct TunnelsLocal : LocalPart {
  explicit TunnelsLocal(const LocalContext& c) : reader(c.who, c.cancellation) {}
  void perform(const OneOf<TunnelActions> auto& action) { reader.perform(action); }
  LocalTunnels reader;
};

}  // namespace mlops
