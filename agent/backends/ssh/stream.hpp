// One channel of an ssh connection joined to a socket here: bytes both ways with back-pressure, each end's
// half-close passed on.
#pragma once

#include <poll.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "backends/ssh_api.hpp"
#include "base/handle.hpp"

struct ssh_channel_struct;
struct ssh_channel_callbacks_struct;

namespace mlops::ssh {

class Service;
struct Wish;

// What goes along with a joined socket.
class Forwarding {
 public:
  explicit Forwarding(const mlops_ssh_forwarding& with)
      : with_(with), greeting(with.greeting, with.greeting_size) {}
  Forwarding() = default;
  ~Forwarding() {
    if (with_.release) with_.release(with_.context);
  }
  Forwarding(Forwarding&& other) noexcept
      : with_(std::exchange(other.with_, {})), greeting(std::move(other.greeting)) {}
  Forwarding& operator=(Forwarding&& other) noexcept {
    std::swap(with_, other.with_);
    greeting.swap(other.greeting);
    return *this;
  }
  void count(std::uint64_t sent, std::uint64_t received) const {
    if (with_.count) with_.count(with_.context, sent, received);
  }

 private:
  mlops_ssh_forwarding with_{};

 public:
  std::string greeting;
};

// A command over there, as those who wait for it see it. Outlives stream and connection.
struct Program {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  mlops_ssh_ending ending = mlops_ssh_unknown;
  int number = 0;
  std::string refusal;
  std::string complaints;  // the last bytes of stderr

  void finish(mlops_ssh_ending how, int with_number, std::string words = "");
  void complain(const char* data, std::size_t size);
};

class Stream {
 public:
  // A call of libssh that opens the channel: SSH_OK, SSH_AGAIN or SSH_ERROR, to be repeated while SSH_AGAIN.
  using Open = std::function<int(ssh_channel_struct*)>;

  // wish is settled once the host has answered.
  Stream(Service& service, ssh_channel_struct* channel, Open open, Wish* wish);
  // A channel that the host has opened.
  Stream(Service& service, ssh_channel_struct* channel, std::uint64_t connection);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Each before the service goes on, but for join of a channel that the host has opened: that may come later.
  void join(Handle socket, Forwarding forwarding = {});
  void run_command(std::string command, std::shared_ptr<Program> program);
  // Nobody wants it.
  void close();

  std::uint64_t connection() const { return connection_; }  // 0: the host has not opened it

  // Goes on with what waits for an answer of the host.
  void advance();
  // What to wait for; events of 0 with a descriptor of -1: nothing.
  pollfd interest() const;
  // After poll: takes what the socket has to give as far as the host's window and the budget (bytes) allow,
  // gives it what it takes now.
  void serve(short events, std::size_t& budget);
  bool finished() const { return state_ == State::finished; }
  // The connection is gone: what was joined is cut, not ended, so that nobody takes a part for the whole.
  void abandon();

 private:
  enum class State { opening, asking, open, finished };
  struct Callbacks;
  friend struct Callbacks;

  std::size_t take(const char* data, std::size_t size, bool complaint);
  void send_up(std::size_t& budget);
  void send_down();
  void widen_window();
  std::size_t write_here(const char* data, std::size_t size);
  bool pumps() const { return socket_ && (state_ == State::asking || state_ == State::open); }
  void end_when_done();
  void refuse();

  Service& service_;
  ssh_channel_struct* channel_;
  Open open_;
  Wish* wish_ = nullptr;
  std::uint64_t connection_ = 0;
  Handle socket_;
  Forwarding forwarding_;
  std::string command_;
  std::shared_ptr<Program> program_;
  std::unique_ptr<Callbacks> callbacks_;
  State state_ = State::opening;

  std::vector<char> up_;     // taken from the socket, not yet by libssh
  std::vector<char> down_;   // taken from libssh, not yet by the socket
  std::size_t waiting_ = 0;  // bytes that libssh holds for us
  std::size_t passed_ = 0;   // bytes of the host since the window was widened
  bool up_ended_ = false;    // nothing more comes from the socket
  bool up_end_sent_ = false;
  bool down_ended_ = false;  // nothing more comes from the host
  bool down_end_given_ = false;
  bool down_broken_ = false;  // nobody reads here any more
  bool closed_there_ = false;
};

}  // namespace mlops::ssh
