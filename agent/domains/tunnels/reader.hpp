// The acting user's tunnels, and the listeners on this machine.
#pragma once

#include <optional>
#include <string>

#include "domains/tunnels/actions.hpp"

namespace mlops {

// The state of a tunnel, found by connecting through it if it is established.
struct TunnelView {
  enum class State {
    stopped,     // recorded, but no process keeps it
    silent,      // its process does not respond
    connecting,  // to its host, for the first time or after a loss
    away,        // the host is unreachable; retried repeatedly
    needs_you,   // the host is reachable, but needs the person: reason says what to do
    refused,     // it is established; the target refuses connections (it may not be running yet)
    up,          // a connection through it reached the target
  };
  Tunnel settings;  // as recorded
  State state = State::stopped;
  std::string reason;     // why it is not up; "" for stopped and up
  bool outdated = false;  // its process is another build than this program
};

class TunnelReader {
 public:
  virtual ~TunnelReader() = default;
  // Absent if none of that name is recorded. If it is established, makes one connection through it to the
  // target and closes it (dynamic: to the host). Takes as long as the host's response, at most 10 s.
  virtual std::optional<TunnelView> tunnel(const std::string& name) const = 0;
  // The program that listens at an address of this machine: "`python3 -m http.server` (process 812)", "a
  // program of postgres's" if it cannot be inspected; absent if the address is free.
  virtual std::optional<std::string> listener(const Endpoint& place) const = 0;
};

// "stopped", "does not answer", "connecting", "away", "needs you", "target refuses", "up".
const char* to_text(TunnelView::State state);

}  // namespace mlops
