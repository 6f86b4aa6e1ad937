// The connection to a tunnel's host, re-established whenever it is lost.
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
  // Connects; throws why the link is not up. Called on the link's thread, repeatedly.
  using Connect = std::function<std::unique_ptr<Connection>()>;
  // Runs as soon as a connection is established (a listener on the host); kept as long as that is up. Errors as
  // Connect's.
  using Prepare = std::function<std::shared_ptr<void>(Connection&)>;

  struct Settings {
    Connect connect;
    Prepare prepare;                                     // may be empty
    std::function<void(const std::string&)> log;         // a line
    std::chrono::milliseconds needs_you_pause{300'000};  // a host that needs a person is retried less often
  };
  explicit HostLink(Settings settings);
  ~HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  struct View {
    TunnelView::State state = TunnelView::State::connecting;  // or away, needs_you, up
    std::string reason;
    std::int64_t since = 0;         // seconds since the epoch
    std::uint64_t reconnected = 0;  // number of reconnections
  };
  View view() const;

  // The current connection; null if none is established in that time. An unreachable host is tried now.
  std::shared_ptr<Connection> connection(std::chrono::milliseconds patience);
  // Waits until no attempt is running; if the link is not up and retry is set, until one more attempt has
  // ended.
  void settle(bool retry, std::chrono::milliseconds patience);
  // The host may be reachable again, or no longer: an established connection must show a sign of life in that
  // time, an unreachable host is tried now.
  void doubt(std::chrono::milliseconds patience);
  // Stops it and everything that waits. The current connection is closed with everything that uses it.
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
  std::uint64_t attempts_ = 0;  // completed ones
  bool was_up_ = false;
  bool hurry_ = false;                              // skips the current delay
  std::optional<std::chrono::milliseconds> doubt_;  // time within which a sign of life is required
  bool stopping_ = false;
  Handle wake_;  // an eventfd, for waiting for the connection's end
  std::thread thread_;
};

}  // namespace mlops
