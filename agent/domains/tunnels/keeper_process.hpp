// Starts and stops the process that keeps a tunnel.
#pragma once

#include <string>

#include "base/cancellation.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace mlops {

// The command with which this program keeps a tunnel: `mlops-agent tunnel FOLDER NAME`.
inline constexpr const char* keeper_command = "tunnel";

// The process's first line of output, once it listens and its host was tried.
struct KeeperReport {
  enum class Kind {
    stands,     // the host is reached: "up"
    away,       // not now, but it will be tried again: "away: REASON"
    needs_you,  // "needs you: REASON"
    failed,     // it has ended: "failed: REASON"
  } kind = Kind::failed;
  std::string reason;
};
std::string to_line(const KeeperReport& report);   // with its newline
KeeperReport parse_report(std::string_view line);  // failed, with the line, for anything unrecognized

// Starts a process for the recorded tunnel, detached: its own session, no terminal, no inherited descriptors;
// with this process's environment, for ssh's agent. Waits for its report, at most a minute. Error if it cannot
// be started; Error cancelled, in which case the process keeps running.
KeeperReport start_keeper(const TunnelFolder& folder, const std::string& name,
                          const Cancellation& cancellation);

// Stops the process that keeps the tunnel: asks it to, and kills it if it has not ended after 5 s. Returns once
// it is gone. Error if it belongs to another user, or cannot be killed.
void stop_keeper(const TunnelFolder& folder, const std::string& name, const Cancellation& cancellation);

}  // namespace mlops
