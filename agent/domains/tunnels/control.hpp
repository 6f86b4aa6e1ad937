// What is said on a tunnel's control socket: one question, one answer, each a frame (base/frame.hpp) of text. The
// process at the other end may be an older or newer build of this program.
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
  status,  // what is known now
  probe,   // the same, proven by a connection made through the tunnel where it stands
  retry,   // the same, after the host was tried again where it does not stand
  stop,    // end: the answer is the last status
};

// What a tunnel's process knows of it.
struct TunnelStatus {
  Tunnel settings;
  std::string build;  // of the program (own_build)
  TunnelView::State state = TunnelView::State::connecting;
  std::string reason;          // why it is not up; ""
  std::int64_t since = 0;      // when that state began, in seconds since the epoch
  std::int64_t started = 0;    // the process, likewise
  std::uint64_t sent = 0;      // bytes of all connections, taken here and brought to the host (remote: by the host)
  std::uint64_t received = 0;  // the other way
  std::uint64_t open = 0;      // connections through it now
  std::uint64_t connections = 0;  // that it has carried since it started
  std::uint64_t reconnected = 0;  // how often the host was reached again
};

std::string encode(TunnelQuestion question);
std::string encode(const TunnelStatus& status);
// Absent for what is no question; Error for what is no answer. Members of an answer that are not known are passed over.
std::optional<TunnelQuestion> decode_question(std::string_view text);
TunnelStatus decode_status(std::string_view text);

// Asks who keeps the tunnel. Absent when nobody answers in that time, or with something else; the socket's other end
// must be a process of the folder's owner. Error cancelled.
std::optional<TunnelStatus> ask_tunnel(const TunnelFolder& folder, const std::string& name, TunnelQuestion question,
                                       std::chrono::milliseconds patience, const Cancellation& cancellation);

// The control socket of a tunnel, listening, mode 0600; one that is left over is replaced. For who holds the lock.
Handle listen_for_control(const TunnelFolder& folder, const std::string& name);
// The user at the other end of a Unix socket (SO_PEERCRED); absent when it cannot be told.
std::optional<uid_t> peer_of(int socket);

}  // namespace mlops
