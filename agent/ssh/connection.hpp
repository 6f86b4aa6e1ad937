// An ssh connection to a host: programs run there, and sockets joined to what the host can reach.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "base/handle.hpp"
#include "ssh/settings.hpp"

namespace mlops {

// What has to be asked while connecting. echo: what is typed may be seen.
struct Question {
  std::string host, text;
  bool echo = false;
};
// The answer, or absent where nobody can be asked. Called on the thread that connects; several may ask at once.
using Ask = std::function<std::optional<std::string>(const Question&)>;

struct ConnectOptions {
  bool accept_new_host_keys = false;             // --accept-new-host-keys
  std::chrono::milliseconds timeout{15'000};     // until the connection stands, questions to people not counted
  std::chrono::milliseconds lost_after{13'000};  // without a sign of life, once it stands
  Ask ask;                                       // may be empty: nobody can be asked
  std::function<void(const std::string&)> warn;  // a line for the person; may be empty
};

// A program that runs on the host. Destroying it closes both directions; the host then ends the program as sshd
// does.
class Channel {
 public:
  virtual ~Channel() = default;
  // A connected stream socket: read what the program prints, write what it is to read; shutdown(SHUT_WR) ends
  // its input. Owned by the channel. The end of the output also stands for a lost connection: see wait().
  virtual int fd() const = 0;
  // The last 64 KiB that the program wrote to stderr until now.
  virtual std::string complaints() const = 0;
  // Waits for the end. The exit status; 128 + the number where a signal ended it; absent when the connection
  // was lost. Error privilege when the host would not run the command at all: run() does not wait for that
  // answer.
  virtual std::optional<int> wait() = 0;
};

// Bytes of one forwarded connection, seen from here. Read while it goes on, from any thread.
struct Traffic {
  std::atomic<std::uint64_t> sent{0}, received{0};
};

struct ForwardOptions {
  std::string greeting;  // written to the socket once the host has agreed, before anything that it sends
  std::shared_ptr<Traffic> traffic;  // counted into and held until both sides are closed; may be null
};

// A place on the host where connections are taken that lead here; given up when this is destroyed. What is
// being joined then may still be asked for its socket; it comes to nothing.
class RemoteListener {
 public:
  virtual ~RemoteListener() = default;
  virtual std::uint16_t port() const = 0;  // 0: a Unix socket
};

// What a connection taken on the host is joined to: a connected socket, or none, which refuses it. Called on a
// thread that may wait.
using JoinTo = std::function<Handle(ForwardOptions& options)>;

// Safe to use from several threads. The connection is served by a thread of its own.
class Connection {
 public:
  virtual ~Connection() = default;
  // Runs the command with the person's login shell there (RFC 4254 section 6.5). Error when the host refuses.
  virtual std::unique_ptr<Channel> run(const std::string& command) = 0;
  // Joins the socket, which is taken, to a TCP port as seen from the host (RFC 4254 section 7.2), or to a Unix
  // socket there when port is 0. Returns once the host has answered. Each side's end of input is passed on by
  // itself; it is over when both have ended, or the connection is lost. Errors: unavailable when the target
  // does not answer the host, privilege when the host forbids it, other when the connection is lost; the socket
  // is closed then.
  virtual void forward(Handle socket, const std::string& target, std::uint16_t port,
                       ForwardOptions options = {}) = 0;
  // Takes connections on the host (RFC 4254 section 7.1): at its port, 0 for any free one; or at a Unix socket
  // where address begins with '/'. Error privilege or unavailable when the host refuses (it may be taken
  // there).
  virtual std::unique_ptr<RemoteListener> listen(const std::string& address, std::uint16_t port,
                                                 JoinTo join) = 0;
  // Why the connection is lost; absent while it stands. Noticed within 15 s: keep-alives of our own.
  virtual std::optional<std::string> lost() const = 0;
  // Becomes readable, for poll(2), when the connection is lost, and stays so. Owned by this; do not read from
  // it.
  virtual int lost_fd() const = 0;
  // Asks the host for a sign of life (keepalive@openssh.com) and waits for it: whether one came in that time.
  virtual bool answers(std::chrono::milliseconds within) = 0;
  // As reached: "ubuntu", "192.0.2.7", 22.
  virtual const SshSettings& settings() const = 0;
};

// Connects and authenticates. Errors: unavailable when the host is not reached in time, privilege when it does
// not let us in, other for its key (unknown, changed, revoked); each says what to do.
std::unique_ptr<Connection> connect_ssh(const SshSettings& settings, const ConnectOptions& options,
                                        const Cancellation& cancellation);

}  // namespace mlops
