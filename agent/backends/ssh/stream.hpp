// One channel of an ssh connection joined to a socket here: bytes in both directions with back-pressure, each
// end's half-close passed on.
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

// The options of a joined socket.
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

// A command on the host, as seen by the threads that wait for it. Outlives stream and connection.
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
  // A libssh call that opens the channel: SSH_OK, SSH_AGAIN or SSH_ERROR, to be repeated while SSH_AGAIN.
  using Open = std::function<int(ssh_channel_struct*)>;

  // `wish` is settled once the host has responded.
  Stream(Service& service, ssh_channel_struct* channel, Open open, Wish* wish);
  // A channel that the host has opened.
  Stream(Service& service, ssh_channel_struct* channel, std::uint64_t connection);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Each before the service continues, except join of a channel that the host has opened: that may come later.
  void join(Handle socket, Forwarding forwarding = {});
  void run_command(std::string command, std::shared_ptr<Program> program);
  // Refuses it.
  void close();

  std::uint64_t connection() const { return connection_; }  // 0: not opened by the host

  // Continues operations that wait for the host's response.
  void advance();
  // The events to wait for; events of 0 with a descriptor of -1: none.
  pollfd interest() const;
  // After poll: reads from the socket as far as the host's window and the budget (bytes) allow, and writes what
  // it accepts now.
  void serve(short events, std::size_t& budget);
  bool finished() const { return state_ == State::finished; }
  // The connection is lost: the joined socket is reset, not closed, so that nobody takes partial data for
  // complete.
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

  std::vector<char> up_;     // read from the socket, not yet passed to libssh
  std::vector<char> down_;   // received from libssh, not yet written to the socket
  std::size_t waiting_ = 0;  // bytes that libssh holds for us
  std::size_t passed_ = 0;   // bytes from the host since the window was widened
  bool up_ended_ = false;    // nothing more comes from the socket
  bool up_end_sent_ = false;
  bool down_ended_ = false;  // nothing more comes from the host
  bool down_end_given_ = false;
  bool down_broken_ = false;  // the reader is gone
  bool closed_there_ = false;
};

}  // namespace mlops::ssh
