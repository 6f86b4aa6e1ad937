// The thread that serves an established ssh connection.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backends/ssh_api.hpp"
#include "base/handle.hpp"

struct ssh_session_struct;
struct ssh_event_struct;
struct ssh_message_struct;

namespace mlops::ssh {

class Stream;

// A request of another thread, done by the serving thread.
struct Wish {
  std::function<void(Wish&)> begin;  // on the serving thread; may settle at once or later
  bool settled = false;
  mlops_ssh_outcome outcome = mlops_ssh_lost;
  std::string message;
  int port = 0;  // of a listener
};

// A listener on the host for us.
struct Listener {
  std::string address;
  int port = 0;
  std::function<bool(std::uint64_t)> on_connection;  // false: refused
};

// Pumps the streams of a connection, keeps it alive, detects its end. All libssh calls are made by the thread
// of run(), which ends with stop() or with the connection.
class Service {
 public:
  Service(ssh_session_struct* session, int socket, std::chrono::milliseconds lost_after);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  bool start();
  void stop();
  // Waits until `wish` is settled, or the connection is lost.
  void grant(Wish& wish);
  // The reason; absent while the connection is up.
  std::optional<std::string> lost() const;
  int lost_fd() const { return lost_event_.get(); }

  // ---- for the serving thread only
  ssh_session_struct* session() const { return session_; }
  void add(std::unique_ptr<Stream> stream);
  Stream* taken(std::uint64_t connection) const;  // by its number; null if it is gone
  void settle(Wish& wish, mlops_ssh_outcome outcome, std::string message = "");
  void settle_opening(Wish& wish);  // with the reason why libssh could not open a channel
  // as large as any stream has made it, with arbitrary content
  std::vector<char>& scratch() { return scratch_; }
  std::string error() const;  // libssh's message for the last failure
  void listen(Listener listener, Wish& wish);
  void unlisten(const std::string& address, int port);
  // Settled as ok if the host gives a sign of life, as timed out if it does not.
  void ask_for_life(Wish& wish, std::chrono::milliseconds within);

 private:
  using Clock = std::chrono::steady_clock;
  struct Counter;
  // Sends tcpip-forward or its cancellation. libssh has one state for all global requests, including
  // keep-alives: they are sent one by one.
  struct Request {
    Listener listener;
    Wish* wish = nullptr;  // null: a cancellation
    bool sent = false;
  };

  void run();
  void take_wishes();
  void drop_finished();
  void wait_and_pump();
  void read_packets();
  void advance_request();
  void end_request(int answer, int port);
  bool take_connection(ssh_message_struct* message);
  void see_life();
  void watch();
  void send_keep_alive();
  bool progress();
  bool broken() const;
  void lose(std::string reason);
  int milliseconds_to_next_look() const;

  ssh_session_struct* session_;
  ssh_event_struct* event_ = nullptr;
  int socket_;
  std::chrono::milliseconds lost_after_;
  Handle wake_, lost_event_;
  std::unique_ptr<Counter> counter_;
  std::list<std::unique_ptr<Stream>> streams_;
  std::vector<char> scratch_;
  std::size_t turn_ = 0;  // the stream that may send first
  std::vector<Listener> listeners_;
  std::deque<Request> requests_;
  std::uint64_t connections_ = 0;  // accepted by listeners

  Clock::time_point last_progress_, next_look_;
  std::uint64_t seen_read_ = 0;
  int seen_unacknowledged_ = 0;
  struct Asked {
    Wish* wish;
    std::uint64_t read;  // bytes received until then
    Clock::time_point until;
  };
  std::vector<Asked> asked_;

  mutable std::mutex mutex_;
  std::condition_variable settled_;
  std::deque<Wish*> wishes_;
  std::optional<std::string> lost_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mlops::ssh
