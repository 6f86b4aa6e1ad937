// What stands at the other end of a forwarded port in tests, and a relay in between that delays and stops.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/handle.hpp"
#include "support/listening_socket.hpp"

namespace mlops::test {

// Gives each connection to the handler, on a thread of its own; all have ended when this is destroyed, so a
// handler must end when its connection does.
class TcpServer {
 public:
  using Handler = std::function<void(Handle)>;
  explicit TcpServer(Handler handler) : handler_(std::move(handler)) {
    ::listen(listener_.fd(), 256);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TcpServer() {
    ::shutdown(listener_.fd(), SHUT_RDWR);
    acceptor_.join();
    for (std::thread& t : threads_) t.join();
  }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;
  std::uint16_t port() const { return listener_.port(); }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      threads_.emplace_back([this, fd] { handler_(Handle(fd)); });
    }
  }

  ListeningSocket listener_{AF_INET, "127.0.0.1"};
  Handler handler_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// Reads until the end. "" also when it was cut.
inline std::string receive_all(int fd) {
  std::string text;
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

// False when the other side takes no more.
inline bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Passes bytes between its port and another, each way later by the delay; can stop to, as a network that drops
// all.
class Relay {
 public:
  explicit Relay(std::uint16_t to, std::chrono::milliseconds delay = {})
      : delay_(delay), server_([this, to](Handle near) { pass(std::move(near), to); }) {}
  std::uint16_t port() const { return server_.port(); }
  void stop() { stopped_ = true; }
  // Times that a packet came from either side after one from the other: half of them are round trips.
  int turns() const { return turns_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Packet {
    Clock::time_point due;
    int to;
    std::string bytes;  // "": the end
  };

  void pass(Handle near, std::uint16_t port) {
    const Handle far(connect_to_port_(port));
    std::deque<Packet> packets;
    const int ends[2] = {near.get(), far.get()};
    bool open[2] = {true, true};
    int last = -1;
    while (stopped_ ? open[0] : open[0] || open[1] || !packets.empty()) {
      pollfd fds[2] = {{open[0] ? ends[0] : -1, POLLIN, 0}, {open[1] ? ends[1] : -1, POLLIN, 0}};
      int wait = 100;
      if (!packets.empty())
        wait = static_cast<int>(std::max<long>(
            0, std::chrono::ceil<std::chrono::milliseconds>(packets.front().due - Clock::now()).count()));
      ::poll(fds, 2, wait);
      for (int i = 0; i < 2; ++i) {
        if (!fds[i].revents) continue;
        char buffer[65536];
        const ssize_t n = ::read(ends[i], buffer, sizeof buffer);
        if (n <= 0) open[i] = false;
        if (n > 0 && last != i) ++turns_;
        if (n > 0) last = i;
        packets.push_back(
            {Clock::now() + delay_, ends[1 - i], {buffer, static_cast<std::size_t>(std::max<ssize_t>(n, 0))}});
      }
      while (!packets.empty() && packets.front().due <= Clock::now()) {
        const Packet& p = packets.front();
        if (!stopped_) {
          if (p.bytes.empty())
            ::shutdown(p.to, SHUT_WR);
          else
            send_all(p.to, p.bytes);
        }
        packets.pop_front();
      }
    }
  }
  static int connect_to_port_(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
    return fd;
  }

  std::chrono::milliseconds delay_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> turns_{0};
  TcpServer server_;  // last: its threads use the rest
};

}  // namespace mlops::test
