#include "domains/tunnels/keeper/keeper.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/frame.hpp"
#include "base/own_executable.hpp"
#include "domains/tunnels/control.hpp"
#include "domains/tunnels/keeper/address_rules.hpp"
#include "domains/tunnels/keeper/carrier.hpp"
#include "domains/tunnels/keeper/local_listener.hpp"
#include "domains/tunnels/keeper/log.hpp"
#include "domains/tunnels/keeper/surroundings.hpp"
#include "domains/tunnels/tunnel_text.hpp"
#include "ssh/deadline.hpp"

namespace mlops {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using State = TunnelView::State;

constexpr auto question_patience = 2s;
constexpr auto settle_patience = 3s;  // together with the probe itself, a response within 10 s
constexpr auto retry_patience = 50s;
constexpr auto look_interval = 10s;    // for detecting that the machine has slept
constexpr auto shortest_look = 1s;     // between two checks of a changing network
constexpr auto no_descriptor = 200ms;  // while none is free for a connection
constexpr int most_askers = 16;

// Each connection takes two descriptors.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string needs_nobody(const Error& e) {
  std::string text = e.what();
  if (e.kind() == ErrorKind::privilege)
    text +=
        " A tunnel is kept without anybody to ask: it needs a key without a passphrase, or one that ssh-agent "
        "holds.";
  return text;
}

class Keeper {
 public:
  Keeper(const TunnelFolder& folder, Tunnel tunnel, Handle lock, Cancellation& cancellation)
      : folder_(folder),
        tunnel_(std::move(tunnel)),
        lock_(std::move(lock)),
        cancellation_(cancellation),
        log_(std::make_shared<TunnelLog>(folder.file(tunnel_.name, ".log"))),
        carrier_(std::make_shared<Carrier>(tunnel_, cancellation, log_)) {
    if (tunnel_.direction != Tunnel::Direction::remote) listener_.emplace(tunnel_.listen);
    control_ = listen_for_control(folder_, tunnel_.name);
  }

  // False if a thread is left that still uses this: it waits for an unresponsive host.
  bool run(const std::function<void(const KeeperReport&)>& report) {
    allow_many_descriptors();
    log_->write(fmt::format("begins, process {}: {}", ::getpid(), describe(tunnel_)));
    link_.emplace(HostLink::Settings{[this] { return connect(); },
                                     tunnel_.direction == Tunnel::Direction::remote
                                         ? HostLink::Prepare([this](Connection& c) { return listen_there(c); })
                                         : HostLink::Prepare(),
                                     [this](const std::string& text) { log_->write(text); }});
    carrier_->use(*link_);
    std::thread reporter([&] {
      link_->settle(false, retry_patience);
      report(first_report());
    });
    serve();
    const bool all = end();
    reporter.join();
    return all;
  }

 private:
  std::unique_ptr<Connection> connect() {
    ConnectStage stage = ConnectStage::address;
    ConnectOptions options;
    options.warn = [this](const std::string& line) { log_->write(line); };
    options.at = [&](ConnectStage at) { stage = at; };
    try {
      check_ssh_config(tunnel_.ssh_config, ::geteuid());
      const SshSettings settings = ssh_settings(tunnel_.via, tunnel_.ssh_config);
      try {
        return connect_ssh(settings, options, cancellation_);
      } catch (const Error& e) {
        const bool nobody_answers = stage == ConnectStage::port && e.kind() == ErrorKind::unavailable;
        if (!nobody_answers || !address_rules_.follow(settings)) throw;
        return connect_ssh(settings, options, cancellation_);
      }
    } catch (const Error& e) {
      throw Error(needs_nobody(e), e.kind());
    }
  }

  // After a broken connection the host may hold its port for a while; a host that never let us listen is
  // another matter.
  std::shared_ptr<void> listen_there(Connection& connection) {
    try {
      std::shared_ptr<void> listener =
          connection.listen(tunnel_.listen.host, tunnel_.listen.port,
                            [carrier = carrier_](ForwardOptions& options) { return carrier->join(options); });
      listened_ = true;
      return listener;
    } catch (const Error& e) {
      throw Error(e.what(), listened_ ? ErrorKind::unavailable : e.kind());
    }
  }

  KeeperReport first_report() const {
    const HostLink::View view = link_->view();
    using Kind = KeeperReport::Kind;
    const Kind kind = view.state == State::up          ? Kind::stands
                      : view.state == State::needs_you ? Kind::needs_you
                                                       : Kind::away;
    return {kind, view.reason};
  }

  // Accepts connections and requests until the end.
  void serve() {
    auto look_at = Clock::now() + look_interval;
    auto listen_again = Clock::now();
    while (!cancellation_.cancelled()) {
      std::vector<pollfd> fds{{cancellation_.fd(), POLLIN, 0}, {control_.get(), POLLIN, 0}};
      const auto now = Clock::now();
      const bool may_look = look_at - now <= look_interval - shortest_look;
      fds.push_back({may_look ? surroundings_.fd() : -1, POLLIN, 0});
      if (listener_)
        for (const Handle& socket : listener_->sockets())
          fds.push_back({now >= listen_again ? socket.get() : -1, POLLIN, 0});
      auto until = may_look ? look_at : look_at - look_interval + shortest_look;
      if (now < listen_again) until = std::min(until, listen_again);
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
      ::poll(fds.data(), fds.size(), static_cast<int>(std::clamp<long>(left, 0, 60'000)));
      if (fds[1].revents) take_question();
      if (fds[2].revents || Clock::now() >= look_at) {
        doubt(surroundings_.look());
        look_at = Clock::now() + look_interval;
      }
      for (std::size_t i = 3; i < fds.size(); ++i)
        if (fds[i].revents && !take_connection(fds[i].fd)) listen_again = Clock::now() + no_descriptor;
    }
  }

  // A network changes for many reasons, and a saturated line responds late; after a sleep nothing is in
  // transit.
  void doubt(Surroundings::Change change) {
    if (change != Surroundings::Change::none) address_rules_.expect_change();
    if (change == Surroundings::Change::network) link_->doubt(8s);
    if (change == Surroundings::Change::woke) link_->doubt(3s);
  }

  // False if there is no descriptor for it.
  bool take_connection(int listening) {
    Handle socket(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
    const int one = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    carrier_->take(std::move(socket));
    return true;
  }

  void take_question() {
    const auto socket = std::make_shared<Handle>(::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!*socket || askers_ >= most_askers) return;
    const auto peer = peer_of(socket->get());
    if (peer != folder_.owner() && peer != 0) return;
    ++askers_;
    std::thread([this, socket] {
      try {
        answer(socket->get());
      } catch (const std::exception& e) {
        log_->write(e.what());
      }
      --askers_;
    }).detach();
  }

  void answer(int socket) {
    const auto text = receive_in_time(socket);
    const auto question = text ? decode_question(*text) : std::nullopt;
    if (!question) return;
    if (*question == TunnelQuestion::probe) link_->settle(false, settle_patience);
    if (*question == TunnelQuestion::retry) link_->settle(true, retry_patience);
    send_frame(socket, encode(status(*question)));
    if (*question == TunnelQuestion::stop) cancellation_.cancel();
  }

  // A request is short: it arrives at once, or the client is not a valid one.
  std::optional<std::string> receive_in_time(int socket) const {
    const Deadline deadline(question_patience);
    std::string bytes;
    std::uint32_t size = 0;
    constexpr std::size_t longest = 64;  // of a request
    while (bytes.size() < sizeof size || bytes.size() < sizeof size + size) {
      pollfd wait{socket, POLLIN, 0};
      if (::poll(&wait, 1, deadline.milliseconds_left()) <= 0) return std::nullopt;
      char c = 0;
      if (::recv(socket, &c, 1, MSG_DONTWAIT) != 1) return std::nullopt;
      bytes += c;
      if (bytes.size() == sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
      if (size > longest) return std::nullopt;
    }
    return bytes.substr(sizeof size);
  }

  TunnelStatus status(TunnelQuestion question) {
    const HostLink::View view = link_->view();
    TunnelStatus s;
    s.settings = tunnel_;
    s.build = build_;
    s.state = view.state;
    s.reason = view.reason;
    s.since = view.since;
    s.started = started_;
    s.reconnected = view.reconnected;
    const bool proves = question == TunnelQuestion::probe || question == TunnelQuestion::retry;
    if (view.state == State::up && proves) prove(s);
    const Carrier::Counts counts = carrier_->counts();
    s.sent = counts.sent, s.received = counts.received;
    s.open = counts.open, s.connections = counts.connections;
    return s;
  }

  void prove(TunnelStatus& s) {
    const auto connection = link_->connection(0ms);
    Carrier::Probe probe{false, "the connection was lost just now"};
    if (connection) probe = carrier_->probe(connection);
    s.reason = probe.problem;
    if (!probe.problem.empty()) s.state = connection && !connection->lost() ? State::refused : State::away;
    if (!probe.answered) link_->doubt(3s);
  }

  bool end() {
    log_->write("ends");
    listener_.reset();
    control_ = Handle();
    ::unlink(folder_.file(tunnel_.name, ".control").c_str());
    link_->stop();
    const bool all = carrier_->finish(5s);
    for (int i = 0; i < 500 && askers_ > 0; ++i) ::poll(nullptr, 0, 10);
    return all && askers_ == 0;
  }

  const TunnelFolder& folder_;
  const Tunnel tunnel_;
  const Handle lock_;
  Cancellation& cancellation_;
  const std::string build_ = own_build();
  const std::int64_t started_ = std::time(nullptr);
  const std::shared_ptr<TunnelLog> log_;
  const std::shared_ptr<Carrier> carrier_;  // the thread of a connection from the host may hold it longer
  std::optional<LocalListener> listener_;
  Handle control_;
  Surroundings surroundings_;
  AddressRules address_rules_{folder_.path().substr(0, folder_.path().rfind('/')), cancellation_,
                              [this](const std::string& line) { log_->write(line); }};
  std::atomic<int> askers_{0};
  std::atomic<bool> listened_{false};  // on the host, at least once
  std::optional<HostLink> link_;
};

}  // namespace

bool keep_tunnel(const TunnelFolder& folder, const std::string& name, Cancellation& cancellation,
                 const std::function<void(const KeeperReport&)>& report) {
  using Kind = KeeperReport::Kind;
  try {
    const auto tunnel = folder.settings(name);
    if (!tunnel || tunnel->listen.empty())
      throw Error(fmt::format("no tunnel `{}` is recorded in {}", name, folder.path()));
    Handle lock = folder.take_lock(name);
    if (!lock) {
      report({Kind::failed, "another process keeps it already"});
      return true;
    }
    auto keeper = std::make_unique<Keeper>(folder, *tunnel, std::move(lock), cancellation);
    if (!keeper->run(report)) {
      // Used by threads that still hang: the process ends with it.
      static std::vector<Keeper*>& in_use = *new std::vector<Keeper*>();
      in_use.push_back(keeper.release());
    }
    return true;
  } catch (const Error& e) {
    report({Kind::failed, e.what()});
    return false;
  }
}

}  // namespace mlops
