// The process that keeps one tunnel: takes connections and carries them on through the host, whatever happens to it.
#pragma once

#include <functional>

#include "base/cancellation.hpp"
#include "domains/tunnels/keeper_process.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace mlops {

// Keeps the recorded tunnel until cancelled or told to stop on its control socket. report is called once: when it
// listens and its host was tried for the first time, or when it could not even begin. Returns true when it was told to
// end, or another process keeps the tunnel already. folder and cancellation must live as long as the process: a thread
// may be left that waits for a host which does not answer.
bool keep_tunnel(const TunnelFolder& folder, const std::string& name, Cancellation& cancellation,
                 const std::function<void(const KeeperReport&)>& report);

}  // namespace mlops
