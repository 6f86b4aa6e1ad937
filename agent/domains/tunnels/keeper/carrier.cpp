#include "domains/tunnels/keeper/carrier.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "domains/tunnels/keeper/local_listener.hpp"
#include "domains/tunnels/keeper/socks.hpp"
#include "ssh/deadline.hpp"
#include "ssh/libssh_connection.hpp"

namespace mlops {
namespace {

using namespace std::chrono_literals;

constexpr auto host_patience = 10s;   // for an unreachable host, while a connection waits for it
constexpr auto socks_patience = 10s;  // for a client's whole request
constexpr auto probe_patience = 6s;
constexpr auto target_patience = 3s;  // for a target on this machine, in a probe

// Connections that end in an error are reset (RST), not closed, so that nobody mistakes that for an empty
// response.
void cut(Handle socket) {
  const linger parallel_for{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &parallel_for, sizeof parallel_for);
}

bool send_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

SocksRequest::Failure failure_of(const Error& e) {
  using Failure = SocksRequest::Failure;
  if (e.kind() == ErrorKind::privilege) return Failure::not_allowed;
  if (e.kind() != ErrorKind::unavailable) return Failure::general;
  return e.message().find("refused") != std::string::npos ? Failure::refused : Failure::unreachable;
}

// Reads the client's request and sends the required replies. False if there is nothing to forward.
bool read_request(int fd, SocksRequest& request, const Cancellation& cancellation) {
  const Deadline deadline(socks_patience);
  std::array<char, 512> buffer{};
  for (;;) {
    std::array<pollfd, 2> fds{{{fd, POLLIN, 0}, {cancellation.fd(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), deadline.milliseconds_left());
    if (cancellation.cancelled() || deadline.passed()) return false;
    if (!fds[0].revents) continue;
    const ssize_t n = ::recv(fd, buffer.data(), std::min(buffer.size(), request.wanted()), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return false;
    const auto step = request.take({buffer.data(), static_cast<std::size_t>(n)});
    if (!send_whole(fd, request.reply())) return false;
    if (step == SocksRequest::Step::complete) return true;
    if (step == SocksRequest::Step::refused) return false;
  }
}

}  // namespace

void Carrier::Proof::settle(std::string why) {
  const std::lock_guard lock(mutex);
  if (settled) return;
  settled = true;
  problem = std::move(why);
  known.notify_all();
}

Carrier::Probe Carrier::Proof::await() {
  std::unique_lock lock(mutex);
  if (known.wait_for(lock, probe_patience, [&] { return settled; })) return {true, problem};
  return {false, fmt::format("no answer within {} s", std::chrono::seconds(probe_patience).count())};
}

Carrier::Carrier(Tunnel tunnel, const Cancellation& cancellation, std::shared_ptr<TunnelLog> log)
    : tunnel_(std::move(tunnel)), cancellation_(cancellation), log_(std::move(log)) {}

Carrier::Counts Carrier::counts() const {
  return {tally_->traffic.sent, tally_->traffic.received, tally_->open, tally_->connections};
}

// Counts the tunnel's whole traffic; held by each connection until it is over.
std::shared_ptr<Traffic> Carrier::counted() {
  ++tally_->open;
  ++tally_->connections;
  return {&tally_->traffic, [tally = tally_](Traffic*) { --tally->open; }};
}

void Carrier::in_thread(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (threads_ >= most_opening) return;
    ++threads_;
  }
  const auto done = [this] {
    const std::lock_guard lock(mutex_);
    --threads_;
    ended_.notify_all();
  };
  try {
    std::thread([work = std::move(work), done] {
      work();
      done();
    }).detach();
  } catch (const std::system_error&) {  // no thread is available
    done();
  }
}

bool Carrier::finish(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, patience, [&] { return threads_ == 0; });
}

void Carrier::take(Handle socket) {
  const auto held = std::make_shared<Handle>(std::move(socket));
  in_thread([this, held] {
    try {
      carry(std::move(*held));
    } catch (const std::exception& e) {
      log_->write(e.what());
    }
  });
}

void Carrier::carry(Handle socket) {
  const std::string mark = peer_mark(socket.get());
  std::shared_ptr<Proof> proof;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = proofs_.find(mark); found != proofs_.end()) proof = found->second;
  }
  if (tunnel_.direction == Tunnel::Direction::dynamic && !proof) return carry_socks(std::move(socket));
  const auto connection = link_->connection(host_patience);
  if (!connection) {
    if (proof) proof->settle("the host is away");
    return cut(std::move(socket));
  }
  if (!proof) return carry_to(*connection, std::move(socket), tunnel_.target);
  try {
    connection->forward(std::move(socket),
                        tunnel_.target.is_socket() ? tunnel_.target.path : tunnel_.target.host,
                        tunnel_.target.port);
    proof->settle("");
  } catch (const Error& e) {
    proof->settle(e.what());
  }
}

void Carrier::carry_to(Connection& connection, Handle socket, const Endpoint& target) {
  ForwardOptions options;
  options.traffic = counted();
  Handle again(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
  try {
    connection.forward(std::move(socket), target.is_socket() ? target.path : target.host, target.port,
                       std::move(options));
  } catch (const Error& e) {
    cut(std::move(again));
    log_->write(e.what());
  }
}

void Carrier::carry_socks(Handle socket) {
  SocksRequest request;
  if (!read_request(socket.get(), request, cancellation_)) {
    if (!request.problem().empty())
      log_->write(fmt::format("a client of SOCKS is refused: {}", request.problem()));
    return;
  }
  const auto connection = link_->connection(host_patience);
  if (!connection) {
    send_whole(socket.get(), request.failure(SocksRequest::Failure::general));
    return;
  }
  ForwardOptions options{request.success(), counted()};
  const Handle again(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 3));
  try {
    connection->forward(std::move(socket), request.host(), request.port(), std::move(options));
  } catch (const Error& e) {
    send_whole(again.get(), request.failure(failure_of(e)));
    log_->write(e.what());
  }
}

Handle Carrier::join(ForwardOptions& options) {
  std::shared_ptr<Proof> proof;
  {
    const std::lock_guard lock(mutex_);
    proof.swap(awaited_from_there_);
  }
  try {
    Handle socket = connect_here(tunnel_.target, host_patience, cancellation_);
    if (proof)
      proof->settle("");
    else
      options.traffic = counted();
    return socket;
  } catch (const Error& e) {
    log_->write(e.what());
    if (proof) proof->settle(e.what());
    throw;
  }
}

Carrier::Probe Carrier::probe(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard one(one_probe_);
  switch (tunnel_.direction) {
    case Tunnel::Direction::local:
      return probe_here();
    case Tunnel::Direction::remote:
      return probe_there(connection);
    case Tunnel::Direction::dynamic:
      if (connection->answers(probe_patience)) return {};
      return {false, "the host does not answer"};
  }
  return {};
}

// Our own connection to the tunnel's listener, recognized when it is accepted.
Carrier::Probe Carrier::probe_here() {
  const auto proof = std::make_shared<Proof>();
  try {
    const MarkedSocket marked = marked_socket(tunnel_.listen);
    {
      const std::lock_guard lock(mutex_);
      proofs_[marked.mark] = proof;
    }
    Probe probe{true, "it does not take connections where it listens"};
    if (connect_marked(marked, tunnel_.listen)) probe = proof->await();
    const std::lock_guard lock(mutex_);
    proofs_.erase(marked.mark);
    return probe;
  } catch (const Error& e) {
    return {true, e.what()};
  }
}

// The target must accept a connection here. Then the host connects to its own listener for us, and that
// connection must arrive here; a host that does not allow this, which needs another permission than listening,
// has at least shown that it is alive.
Carrier::Probe Carrier::probe_there(const std::shared_ptr<Connection>& connection) {
  try {
    connect_here(tunnel_.target, target_patience, cancellation_);
  } catch (const Error& e) {
    return {true, e.what()};
  }
  const std::string& listen = tunnel_.listen.host;
  const std::string host = listen == "0.0.0.0" || listen == "localhost" ? "127.0.0.1"
                           : listen == "::"                             ? "::1"
                                                                        : listen;
  const auto proof = std::make_shared<Proof>();
  {
    const std::lock_guard lock(mutex_);
    awaited_from_there_ = proof;
  }
  const auto ours = std::make_shared<Handle>();  // open until the connection has arrived
  in_thread([this, connection, host, proof, ours] {
    try {
      Handle theirs;
      std::tie(*ours, theirs) = socket_pair();
      connection->forward(std::move(theirs), host, tunnel_.listen.port);
    } catch (const Error& e) {
      proof->settle(e.kind() == ErrorKind::privilege ? "" : e.what());
    }
  });
  Probe probe = proof->await();
  const std::lock_guard lock(mutex_);
  awaited_from_there_.reset();
  return probe;
}

}  // namespace mlops
