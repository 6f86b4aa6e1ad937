// The protocol of a tunnel's control socket: one request, one response, each a frame (base/frame.hpp) of text.
// The process at the other end may be an older or newer build of this program.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domains/tunnels/reader.hpp"
#include "domains/tunnels/tunnel_folder.hpp"

namespace mlops {

inline constexpr std::uint32_t control_frame_limit = 64 << 10;  // bytes

enum class TunnelQuestion {
  status,  // the last known status
  probe,   // the same, verified by a connection through the tunnel if it is established
  retry,   // the same, after retrying the host if it is not established
  stop,    // stop: the response is the last status
};

// The status of a tunnel's process.
struct TunnelStatus {
  Tunnel settings;
  std::string build;  // of the program (own_build)
  TunnelView::State state = TunnelView::State::connecting;
  std::string reason;             // why it is not up; ""
  std::int64_t since = 0;         // when that state began, in seconds since the epoch
  std::int64_t started = 0;       // start of the process, likewise
  std::uint64_t sent = 0;         // bytes of all connections, towards the host (remote: from the host)
  std::uint64_t received = 0;     // the other direction
  std::uint64_t open = 0;         // current connections through it
  std::uint64_t connections = 0;  // connections since it started
  std::uint64_t reconnected = 0;  // number of reconnections to the host
};

std::string encode(TunnelQuestion question);
std::string encode(const TunnelStatus& status);
// Absent for an invalid request; Error for an invalid response. Unknown members of a response are ignored.
std::optional<TunnelQuestion> decode_question(std::string_view text);
TunnelStatus decode_status(std::string_view text);

// Queries the process that keeps the tunnel. Absent if there is no valid response in that time; the socket's
// other end must be a process of the folder's owner. Error cancelled.
std::optional<TunnelStatus> ask_tunnel(const TunnelFolder& folder, const std::string& name,
                                       TunnelQuestion question, std::chrono::milliseconds patience,
                                       const Cancellation& cancellation);

// The control socket of a tunnel, listening, mode 0600; a stale one is replaced. Call with the lock held.
Handle listen_for_control(const TunnelFolder& folder, const std::string& name);
// The user at the other end of a Unix socket (SO_PEERCRED); absent if it cannot be determined.
std::optional<uid_t> peer_of(int socket);

}  // namespace mlops
