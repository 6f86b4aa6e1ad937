#include "ssh/libssh_connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>

#include "base/error.hpp"

namespace mlops {

// Both ends of a connected pair of stream sockets.
std::pair<Handle, Handle> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw system_error("cannot make sockets", errno);
  return {Handle(ends[0]), Handle(ends[1])};
}

// Releases the descriptor: the callee closes it.
int given_away(Handle handle) {
  const int fd = ::fcntl(handle.get(), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) throw system_error("cannot duplicate a descriptor", errno);
  return fd;
}

namespace {

class SshChannel : public Channel {
 public:
  SshChannel(const SshBackend& backend, mlops_ssh_program* program, Handle socket)
      : backend_(backend), program_(program, backend.release), socket_(std::move(socket)) {}

  int fd() const override { return socket_.get(); }

  std::string complaints() const override {
    std::string text(64 << 10, '\0');
    text.resize(backend_.complaints(program_.get(), text.data(), text.size()));
    return text;
  }

  std::optional<int> wait() override {
    int number = 0;
    char message[1024] = "";
    switch (backend_.wait(program_.get(), &number, message, sizeof message)) {
      case mlops_ssh_exited:
        return number;
      case mlops_ssh_killed:
        return 128 + number;
      case mlops_ssh_refused:
        throw Error(fmt::format("the host refuses to run a command: {}", message), ErrorKind::privilege);
      default:
        return {};
    }
  }

 private:
  SshBackend backend_;
  SshOwned<mlops_ssh_program> program_;
  Handle socket_;
};

// What the backend keeps of a forward's options, until both sides are closed.
mlops_ssh_forwarding forwarding_of(const ForwardOptions& options) {
  mlops_ssh_forwarding with{options.greeting.data(), options.greeting.size(), nullptr, nullptr, nullptr};
  if (!options.traffic) return with;
  with.context = new std::shared_ptr<Traffic>(options.traffic);
  with.count = [](void* context, std::uint64_t sent, std::uint64_t received) {
    Traffic& traffic = **static_cast<std::shared_ptr<Traffic>*>(context);
    traffic.sent.fetch_add(sent, std::memory_order_relaxed);
    traffic.received.fetch_add(received, std::memory_order_relaxed);
  };
  with.release = [](void* context) { delete static_cast<std::shared_ptr<Traffic>*>(context); };
  return with;
}

// An established session. Threads that accept a connection from the host may hold it after it has ended.
struct Session {
  SshBackend backend;
  SshWay way;  // outlives the session
  SshOwned<mlops_ssh_session> session;
  std::string host;

  Error refused(const std::string& what, const mlops_ssh_result& result) const {
    if (result.outcome == mlops_ssh_lost)
      return Error(fmt::format("the connection to {} is lost: {}", host, result.message));
    return Error(fmt::format("{} refuses {}: {}", host, what, result.message),
                 result.outcome == mlops_ssh_denied ? ErrorKind::privilege : ErrorKind::unavailable);
  }
};

constexpr int most_joining = 256;  // connections of a listener that are waiting for a socket

class SshListener : public RemoteListener {
 public:
  // State for the connections' threads, which may outlive this object.
  struct Shared {
    std::shared_ptr<Session> session;
    JoinTo join;
    std::atomic<int> joining{0};
    Shared(std::shared_ptr<Session> of, JoinTo to) : session(std::move(of)), join(std::move(to)) {}
  };

  SshListener(std::shared_ptr<Session> session, std::string address, std::uint16_t port, JoinTo join)
      : address_(std::move(address)), shared_(std::make_shared<Shared>(std::move(session), std::move(join))) {
    Session& s = *shared_->session;
    mlops_ssh_result result{};
    port_ = s.backend.listen(s.session.get(), address_.c_str(), port, this, take, &result);
    if (result.outcome != mlops_ssh_ok)
      throw s.refused(fmt::format("to listen on {}:{}", address_, port), result);
  }
  ~SshListener() override {
    Session& s = *shared_->session;
    s.backend.unlisten(s.session.get(), address_.c_str(), port_);
  }
  SshListener(const SshListener&) = delete;
  SshListener& operator=(const SshListener&) = delete;

  std::uint16_t port() const override { return static_cast<std::uint16_t>(port_); }

 private:
  // Called on the serving thread, which must not wait for the socket. The remote side controls how many
  // connections come.
  static int take(void* self, std::uint64_t connection) {
    const auto& shared = static_cast<SshListener*>(self)->shared_;
    if (shared->joining >= most_joining) return 1;
    ++shared->joining;
    try {
      std::thread([shared, connection] {
        join(*shared, connection);
        --shared->joining;
      }).detach();
    } catch (const std::system_error&) {  // no thread is available
      --shared->joining;
      return 1;
    }
    return 0;
  }

  static void join(Shared& shared, std::uint64_t connection) {
    Session& s = *shared.session;
    Handle socket;
    ForwardOptions options;
    try {
      socket = shared.join(options);
    } catch (const std::exception&) {  // refused, like no socket
    }
    const mlops_ssh_forwarding with = forwarding_of(options);
    s.backend.join(s.session.get(), connection, socket ? given_away(std::move(socket)) : -1, &with);
  }

  std::string address_;
  int port_ = 0;
  std::shared_ptr<Shared> shared_;
};

class SshConnection : public Connection {
 public:
  SshConnection(const SshBackend& backend, SshOwned<mlops_ssh_session> session, SshWay way,
                SshSettings settings)
      : settings_(std::move(settings)),
        session_(
            std::make_shared<Session>(Session{backend, std::move(way), std::move(session), settings_.host})) {}
  ~SshConnection() override { backend().end(raw()); }

  std::unique_ptr<Channel> run(const std::string& command) override {
    auto [ours, theirs] = socket_pair();
    mlops_ssh_result result{};
    mlops_ssh_program* program = backend().run(raw(), command.c_str(), given_away(std::move(theirs)), &result);
    if (!program) throw session_->refused("a command", result);
    return std::make_unique<SshChannel>(backend(), program, std::move(ours));
  }

  void forward(Handle socket, const std::string& target, std::uint16_t port, ForwardOptions options) override {
    mlops_ssh_result result{};
    const mlops_ssh_forwarding with = forwarding_of(options);
    backend().forward(raw(), given_away(std::move(socket)), target.c_str(), port, &with, &result);
    if (result.outcome != mlops_ssh_ok)
      throw session_->refused(
          port ? fmt::format("a connection to {}:{}", target, port) : "a connection to " + target, result);
  }

  std::unique_ptr<RemoteListener> listen(const std::string& address, std::uint16_t port, JoinTo join) override {
    if (address.starts_with('/'))
      throw Error(fmt::format("{}: a Unix socket on the host cannot be listened on, a port can", address));
    return std::make_unique<SshListener>(session_, address, port, std::move(join));
  }

  std::optional<std::string> lost() const override {
    char message[1024] = "";
    if (!backend().lost(raw(), message, sizeof message)) return {};
    return because(message);
  }
  int lost_fd() const override { return backend().lost_descriptor(raw()); }
  bool answers(std::chrono::milliseconds within) override {
    return backend().answers(raw(), static_cast<int>(within.count())) != 0;
  }
  const SshSettings& settings() const override { return settings_; }

 private:
  // The error, or that of the underlying carrier of the connection.
  std::string because(const std::string& reason) const {
    const SshWay& way = session_->way;
    if (way.jump)
      if (const auto jump = way.jump->lost()) return fmt::format("{}: {}", way.jump->settings().host, *jump);
    if (way.command)
      if (const std::string said = way.command->complaint(); !said.empty())
        return fmt::format("{}; its ProxyCommand says: {}", reason, said);
    return reason;
  }

  const SshBackend& backend() const { return session_->backend; }
  mlops_ssh_session* raw() const { return session_->session.get(); }

  SshSettings settings_;
  std::shared_ptr<Session> session_;
};

}  // namespace

std::unique_ptr<Connection> serve_ssh(const SshBackend& backend, SshOwned<mlops_ssh_session> session,
                                      SshWay way, SshSettings settings, std::chrono::milliseconds lost_after) {
  if (!backend.serve(session.get(), static_cast<int>(lost_after.count())))
    throw Error("cannot serve an ssh connection: no thread or descriptor is left");
  return std::make_unique<SshConnection>(backend, std::move(session), std::move(way), std::move(settings));
}

}  // namespace mlops
