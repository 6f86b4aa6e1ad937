// Forwards a tunnel's connections through its host, and verifies that this works.
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
#include "domains/tunnels/actions.hpp"
#include "domains/tunnels/keeper/host_link.hpp"
#include "domains/tunnels/keeper/log.hpp"
#include "ssh/connection.hpp"

namespace mlops {

class Carrier {
 public:
  // cancellation must outlive it, and finish() must have returned true before it is destroyed.
  Carrier(Tunnel tunnel, const Cancellation& cancellation, std::shared_ptr<TunnelLog> log);

  // The link that connections use; set once, before anything is forwarded.
  void use(HostLink& link) { link_ = &link; }

  // A connection that was accepted here (local and dynamic): forwarded by a thread of its own. Only so many may
  // wait for the host at once; a further one is closed.
  static constexpr int most_opening = 256;
  void take(Handle socket);

  // For a connection that the host has accepted (remote): the target that it leads to.
  Handle join(ForwardOptions& options);

  // Whether a connection through the tunnel reaches its target now.
  struct Probe {
    bool answered = true;  // false: no response within 6 s
    std::string problem;   // "": none
  };
  Probe probe(const std::shared_ptr<Connection>& connection);

  struct Counts {
    std::uint64_t sent = 0, received = 0, open = 0, connections = 0;
  };
  Counts counts() const;

  // Waits until none of this object's threads are left, with a timeout. False if some are.
  bool finish(std::chrono::milliseconds patience);

 private:
  // Outlives the carrier if a connection does.
  struct Tally {
    Traffic traffic;
    std::atomic<std::uint64_t> open{0}, connections{0};
  };
  // The result of our own connection.
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
  // a probe's own connection: the next one that comes from the host
  std::shared_ptr<Proof> awaited_from_there_;
};

}  // namespace mlops
