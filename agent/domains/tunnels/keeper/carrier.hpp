// Carries connections of a tunnel on through its host, and proves that it does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/cancellation.hpp"
#include "base/handle.hpp"
#include "domains/action.hpp"
#include "domains/tunnels/keeper/host_link.hpp"
#include "domains/tunnels/keeper/log.hpp"
#include "ssh/connection.hpp"

namespace mlops {

class Carrier {
 public:
  // cancellation must outlive it, and finish() must have been true before it ends.
  Carrier(Tunnel tunnel, const Cancellation& cancellation, std::shared_ptr<TunnelLog> log);

  // The link that connections go through; set once, before anything is carried.
  void use(HostLink& link) { link_ = &link; }

  // A connection that was taken here (local and dynamic): carried on by a thread of its own. So many may wait for the
  // host at once; one more is closed at once.
  static constexpr int most_opening = 256;
  void take(Handle socket);

  // For a connection that the host has taken (remote): where it leads to.
  Handle join(ForwardOptions& options);

  // Whether a connection through the tunnel reaches its target now.
  struct Probe {
    bool answered = true;  // false: nobody said anything within 6 s
    std::string problem;   // "": it does
  };
  Probe probe(const std::shared_ptr<Connection>& connection);

  struct Counts {
    std::uint64_t sent = 0, received = 0, open = 0, connections = 0;
  };
  Counts counts() const;

  // Waits until no thread of this is left, at most so long. False when some are.
  bool finish(std::chrono::milliseconds patience);

 private:
  // Outlives the carrier where a connection does.
  struct Tally {
    Traffic traffic;
    std::atomic<std::uint64_t> open{0}, connections{0};
  };
  // The answer to a connection of ours.
  struct Proof {
    std::mutex mutex;
    std::condition_variable known;
    bool settled = false;
    std::string problem;
    void settle(std::string why);
    Probe await();
  };

  void carry(Handle socket);
  void carry_to(Connection& connection, Handle socket, const Endpoint& target);
  void carry_socks(Handle socket);
  Probe probe_here();
  Probe probe_there(const std::shared_ptr<Connection>& connection);
  std::shared_ptr<Traffic> counted();
  void in_thread(std::function<void()> work);

  const Tunnel tunnel_;
  const Cancellation& cancellation_;
  std::shared_ptr<TunnelLog> log_;
  HostLink* link_ = nullptr;
  std::shared_ptr<Tally> tally_ = std::make_shared<Tally>();

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  int threads_ = 0;
  std::mutex one_probe_;
  std::map<std::string, std::shared_ptr<Proof>> proofs_;  // by the mark of their sockets
  std::shared_ptr<Proof> awaited_from_there_;  // a probe's own connection, the next that comes from the host
};

}  // namespace mlops
