// An ssh connection to a host: runs programs there, and forwards sockets to addresses that the host can reach.
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

// A question while connecting. echo: the input may be shown.
struct Question {
  std::string host, text;
  bool echo = false;
};
// The answer, or absent if nobody can be asked. Called on the thread that connects; several threads may ask at
// the same time.
using Ask = std::function<std::optional<std::string>(const Question&)>;

// How far a connection has come. A jump host on the way has these of its own, before.
enum class ConnectStage { address, port, host_key, login };

struct ConnectOptions {
  bool accept_new_host_keys = false;  // --accept-new-host-keys
  // until the connection is established, not counting questions to people
  std::chrono::milliseconds timeout{15'000};
  std::chrono::milliseconds lost_after{13'000};  // without a sign of life, once it is established
  Ask ask;                                       // may be empty: nobody can be asked
  std::function<void(const std::string&)> warn;  // a line for the person; may be empty
  std::function<void(ConnectStage)> at;          // called where a stage begins; may be empty
};

// A program that runs on the host. Destroying it closes both directions; the host then ends the program as sshd
// does.
class Channel {
 public:
  virtual ~Channel() = default;
  // A connected stream socket: read the program's output, write its input; shutdown(SHUT_WR) ends its input.
  // Owned by the channel. The end of the output can also mean a lost connection: see wait().
  virtual int fd() const = 0;
  // The last 64 KiB that the program has written to stderr.
  virtual std::string complaints() const = 0;
  // Waits for the end. The exit status; 128 + the number if a signal ended it; absent if the connection was
  // lost. Error privilege if the host refused to run the command at all: run() does not wait for that response.
  virtual std::optional<int> wait() = 0;
};

// Bytes of one forwarded connection, as seen from here. May be read during the transfer, from any thread.
struct Traffic {
  std::atomic<std::uint64_t> sent{0}, received{0};
};

struct ForwardOptions {
  std::string greeting;              // written to the socket once the host has agreed, before any data from it
  std::shared_ptr<Traffic> traffic;  // counted into and held until both sides are closed; may be null
};

// A listener on the host whose connections lead here; closed when this is destroyed. A connection being
// accepted then may still be asked for its socket, but comes to nothing.
class RemoteListener {
 public:
  virtual ~RemoteListener() = default;
  virtual std::uint16_t port() const = 0;  // 0: a Unix socket
};

// The connected socket for a connection accepted on the host; none refuses it. Called on a thread that may
// wait.
using JoinTo = std::function<Handle(ForwardOptions& options)>;

// Thread-safe. The connection is served by a thread of its own.
class Connection {
 public:
  virtual ~Connection() = default;
  // Runs the command with the user's login shell there (RFC 4254 section 6.5). Error if the host refuses.
  virtual std::unique_ptr<Channel> run(const std::string& command) = 0;
  // Connects the socket, of which it takes ownership, to a TCP port as seen from the host (RFC 4254 section
  // 7.2), or to a Unix socket there if port is 0. Returns once the host has responded. Each direction's end of
  // input is passed on separately; the forward ends when both have ended, or the connection is lost. Errors:
  // unavailable if the target does not respond to the host, privilege if the host forbids it, other if the
  // connection is lost; the socket is closed then.
  virtual void forward(Handle socket, const std::string& target, std::uint16_t port,
                       ForwardOptions options = {}) = 0;
  // Listens on the host (RFC 4254 section 7.1): at its port, 0 for any free one; or at a Unix socket if address
  // begins with '/'. Error privilege or unavailable if the host refuses (the port may be in use there).
  virtual std::unique_ptr<RemoteListener> listen(const std::string& address, std::uint16_t port,
                                                 JoinTo join) = 0;
  // Why the connection is lost; absent while it is up. Detected within 15 s by our own keep-alives.
  virtual std::optional<std::string> lost() const = 0;
  // Becomes readable, for poll(2), when the connection is lost, and stays so. Owned by this; do not read from
  // it.
  virtual int lost_fd() const = 0;
  // Requests a sign of life from the host (keepalive@openssh.com) and waits for it: whether one came in that
  // time.
  virtual bool answers(std::chrono::milliseconds within) = 0;
  // As resolved: "ubuntu", "192.0.2.7", 22.
  virtual const SshSettings& settings() const = 0;
};

// Connects and authenticates. Errors: unavailable if the host is not reached in time, privilege if it rejects
// the login, other for its key (unknown, changed, revoked); each says what to do.
std::unique_ptr<Connection> connect_ssh(const SshSettings& settings, const ConnectOptions& options,
                                        const Cancellation& cancellation);

}  // namespace mlops
