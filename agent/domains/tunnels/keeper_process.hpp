// Starting and ending the process that keeps a tunnel.
#pragma once

#include <string>

#include "base/cancellation.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace mlops {

// The word by which this program is told to keep a tunnel: `mlops-agent tunnel FOLDER NAME`.
inline constexpr const char* keeper_command = "tunnel";

// What the process says of itself in its first line of output, once it listens and its host was tried.
struct KeeperReport {
  enum class Kind {
    stands,     // the host is reached: "up"
    away,       // not now, but it will be tried again: "away: REASON"
    needs_you,  // "needs you: REASON"
    failed,     // it has ended: "failed: REASON"
  } kind = Kind::failed;
  std::string reason;
};
std::string to_line(const KeeperReport& report);  // with its newline
KeeperReport parse_report(std::string_view line);  // failed, with the line, for anything else

// Starts a process for the recorded tunnel, detached: its own session, no terminal, no descriptor of ours; it has this
// process's environment, where ssh's agent is named. Waits for its report, at most a minute. Error when it cannot be
// started; Error cancelled, and then the process goes on.
KeeperReport start_keeper(const TunnelFolder& folder, const std::string& name, const Cancellation& cancellation);

// Ends the process that keeps it: asks for it, and kills it when it has not ended after 5 s. Returns when it is gone.
// Error when it belongs to somebody else, or cannot be killed.
void stop_keeper(const TunnelFolder& folder, const std::string& name, const Cancellation& cancellation);

}  // namespace mlops
