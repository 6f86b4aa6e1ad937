// Tunnels that are kept for who acts, and who listens on this machine.
#pragma once

#include <optional>
#include <string>

#include "domains/action.hpp"

namespace mlops {

// A tunnel as it was found, by connecting through it where it stands.
struct TunnelView {
  enum class State {
    stopped,     // recorded, but no process keeps it
    silent,      // its process does not answer
    connecting,  // to its host, for the first time or just now
    away,        // the host is not reached; tried again and again
    needs_you,   // the host was reached, but cannot be used without the person: reason says what to do
    refused,     // it stands; the target does not answer the host (it may not be there yet)
    up,          // a connection went through it to the target
  };
  Tunnel settings;  // as recorded
  State state = State::stopped;
  std::string reason;   // why it is not up; "" for stopped and up
  bool outdated = false;  // the program that keeps it is another build than the one that looks
};

class TunnelReader {
 public:
  virtual ~TunnelReader() = default;
  // Absent when none of that name is recorded. Where it stands, one connection is made through it, to the target and
  // closed again (dynamic: to the host). Takes as long as the host's answer, at most 10 s.
  virtual std::optional<TunnelView> tunnel(const std::string& name) const = 0;
  // The program that takes connections at a place of this machine: "`python3 -m http.server` (process 812)", "a
  // program of postgres's" where it cannot be seen; absent when the place is free.
  virtual std::optional<std::string> listener(const Endpoint& place) const = 0;
};

// "stopped", "does not answer", "connecting", "away", "needs you", "target refuses", "up".
const char* to_text(TunnelView::State state);

}  // namespace mlops
