// The connection to a tunnel's host, made again whenever it is lost.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "domains/tunnels/reader.hpp"
#include "ssh/connection.hpp"

namespace mlops {

class HostLink {
 public:
  using Clock = std::chrono::steady_clock;
  // Connects; what it throws says why the link is not up. Called on the link's thread, again and again.
  using Connect = std::function<std::unique_ptr<Connection>()>;
  // What is to be done as soon as a connection stands (a listener on the host); held while it does. Errors as Connect's.
  using Prepare = std::function<std::shared_ptr<void>(Connection&)>;

  struct Settings {
    Connect connect;
    Prepare prepare;                                  // may be empty
    std::function<void(const std::string&)> log;      // a line
    std::chrono::milliseconds needs_you_pause{300'000};  // a host that wants a person is not bothered often
  };
  explicit HostLink(Settings settings);
  ~HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  struct View {
    TunnelView::State state = TunnelView::State::connecting;  // or away, needs_you, up
    std::string reason;
    std::int64_t since = 0;         // seconds since the epoch
    std::uint64_t reconnected = 0;  // how often it was up again
  };
  View view() const;

  // The standing connection; null when there is none at that time. A host that is away is tried now.
  std::shared_ptr<Connection> connection(std::chrono::milliseconds patience);
  // Waits until no attempt is under way; where the link is not up, until one more has ended if retry.
  void settle(bool retry, std::chrono::milliseconds patience);
  // Something suggests that the host is reachable again, or no longer: a connection that stands must give a sign of life
  // in that time, a host that is away is tried now.
  void doubt(std::chrono::milliseconds patience);
  // Ends it and all that waits. The connection that stands is ended with all that goes through it.
  void stop();

 private:
  void run();
  bool attempt();
  void hold();
  void pause(std::chrono::milliseconds time);
  void set(TunnelView::State state, std::string reason);

  Settings settings_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  View view_;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<void> prepared_;
  std::uint64_t attempts_ = 0;  // that have ended
  bool was_up_ = false;
  bool hurry_ = false;  // the pause is to end
  std::optional<std::chrono::milliseconds> doubt_;  // a sign of life is wanted in that time
  bool stopping_ = false;
  Handle wake_;  // an eventfd, for who waits for the connection's end
  std::thread thread_;
};

}  // namespace mlops
