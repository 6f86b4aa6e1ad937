// A host that says what a test makes it say, at the other end of a connection.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/frame.hpp"
#include "hosts/protocol.hpp"
#include "hosts/remote_host.hpp"
#include "plain_connection.hpp"

namespace mlops::test {

// The host's end. Both give up in silence where the controller is gone.
class HostEnd {
 public:
  explicit HostEnd(int fd) : fd_(fd) {}
  void say(const ToController& message) const { send(encode(message)); }
  void send(const std::string& payload) const {
    try {
      send_frame(fd_, payload);
    } catch (const Error&) {
    }
  }
  // Bytes as they are, in no frame.
  void send_raw(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    ::shutdown(fd_, SHUT_WR);
  }
  // The next message that is no sign of life; absent at the end.
  std::optional<ToTarget> hear() const {
    try {
      while (auto frame = receive_frame(fd_, to_target_limit))
        if (!frame->empty()) return decode_to_target(*frame);
    } catch (const Error&) {
    }
    return std::nullopt;
  }

 private:
  int fd_;
};

// Runs the host on a thread of its own until it returns.
class HostileChannel : public Channel {
 public:
  explicit HostileChannel(std::function<void(const HostEnd&)> host) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no sockets");
    ours_ = Handle(ends[0]);
    theirs_ = Handle(ends[1]);
    thread_ = std::thread([this, host = std::move(host)] {
      host(HostEnd(theirs_.get()));
      ::shutdown(theirs_.get(), SHUT_RDWR);
    });
  }
  ~HostileChannel() override {
    ::shutdown(ours_.get(), SHUT_RDWR);
    thread_.join();
  }
  int fd() const override { return ours_.get(); }
  std::string complaints() const override { return ""; }
  std::optional<int> wait() override { return 0; }

 private:
  Handle ours_, theirs_;
  std::thread thread_;
};

class HostileConnection : public PlainConnection {
 public:
  explicit HostileConnection(const std::string& user) { settings_.user = user; }
};

// user: the login name.
inline Reached reach_hostile(const std::string& user, std::function<void(const HostEnd&)> host) {
  Reached reached{std::make_unique<HostileConnection>(user), {}};
  reached.program.channel = std::make_unique<HostileChannel>(std::move(host));
  return reached;
}

}  // namespace mlops::test
