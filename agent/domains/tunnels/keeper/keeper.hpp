// The process that keeps one tunnel: accepts connections and forwards them through the host, and reconnects
// when needed.
#pragma once

#include <functional>

#include "base/cancellation.hpp"
#include "domains/tunnels/keeper_process.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace mlops {

// Keeps the recorded tunnel until cancelled or asked to stop on its control socket. report is called once: when
// it listens and its host was tried for the first time, or when it failed to start. Returns true if it was
// asked to stop, or another process keeps the tunnel already. folder and cancellation must live as long as the
// process: a thread may be left that waits for an unresponsive host.
bool keep_tunnel(const TunnelFolder& folder, const std::string& name, Cancellation& cancellation,
                 const std::function<void(const KeeperReport&)>& report);

}  // namespace mlops
