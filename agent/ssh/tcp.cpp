#include "ssh/tcp.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace mlops {
namespace {

constexpr std::chrono::milliseconds head_start{250};  // RFC 8305, "Connection Attempt Delay"
constexpr unsigned unacknowledged_ms = 15'000;
constexpr int unsent_bytes = 256 << 10;  // bounds unsent data in the kernel, so that a keep-alive is not late

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

struct Lookup {
  std::string host, port;
  addrinfo hints{};
  Handle done{::eventfd(0, EFD_CLOEXEC)};
  std::mutex mutex;
  int status = EAI_SYSTEM;
  Addresses found;

  void run() {
    addrinfo* list = nullptr;
    const int answer = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
    const std::lock_guard lock(mutex);
    status = answer;
    found.reset(answer == 0 ? list : nullptr);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(done.get(), &one, sizeof one);
  }
};

addrinfo hints_of(const TcpTarget& target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  hints.ai_family = target.family == TcpTarget::Family::ipv4   ? AF_INET
                    : target.family == TcpTarget::Family::ipv6 ? AF_INET6
                                                               : AF_UNSPEC;
  return hints;
}

Error unreached(const TcpTarget& target, const std::string& why) {
  return Error(fmt::format("cannot reach {} port {}: {}", target.host, target.port, why),
               ErrorKind::unavailable);
}

std::string seconds(const Deadline& deadline) {
  return fmt::format("{:g} s", double(deadline.whole().count()) / 1000);
}

// Waits for the descriptor. False on a timeout.
bool wait_for(int fd, short events, int milliseconds, const Cancellation& cancellation) {
  pollfd fds[2] = {{fd, events, 0}, {cancellation.fd(), POLLIN, 0}};
  const int n = ::poll(fds, 2, milliseconds);
  cancellation.check();
  return n > 0 && fds[0].revents != 0;
}

// getaddrinfo cannot be interrupted and may take too long: it gets a thread of its own, which is abandoned
// then.
Addresses look_up(const TcpTarget& target, const Deadline& deadline, const Cancellation& cancellation) {
  auto lookup = std::make_shared<Lookup>();
  lookup->host = target.host;
  lookup->port = std::to_string(target.port);
  lookup->hints = hints_of(target);
  addrinfo* list = nullptr;
  addrinfo literal = lookup->hints;
  literal.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  if (::getaddrinfo(target.host.c_str(), lookup->port.c_str(), &literal, &list) == 0) return Addresses(list);
  std::thread([lookup] { lookup->run(); }).detach();
  while (!wait_for(lookup->done.get(), POLLIN, deadline.milliseconds_left(), cancellation))
    if (deadline.passed())
      throw unreached(target, fmt::format("its name was not resolved within {}", seconds(deadline)));
  const std::lock_guard lock(lookup->mutex);
  if (lookup->status == EAI_NONAME)
    throw unreached(target, "there is no such host (name or alias); is it spelled right?");
  if (lookup->status != 0) throw unreached(target, ::gai_strerror(lookup->status));
  return std::move(lookup->found);
}

std::string text_of(const addrinfo& address) {
  char text[NI_MAXHOST] = "";
  ::getnameinfo(address.ai_addr, address.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

void set_option(int fd, int option, int value) { ::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value); }

void bind_to(int fd, const std::string& address, int family) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int status = ::getaddrinfo(address.c_str(), nullptr, &hints, &list); status != 0)
    throw Error(fmt::format("BindAddress {}: {}", address, ::gai_strerror(status)));
  const Addresses owned(list);
  if (::bind(fd, list->ai_addr, list->ai_addrlen) != 0)
    throw system_error(fmt::format("binding to {}", address), errno);
}

// The race of all addresses: attempts started one after the other, the first one to connect wins.
class Race {
 public:
  Race(const TcpTarget& target, const Deadline& deadline, const Cancellation& cancellation)
      : target_(target), deadline_(deadline), cancellation_(cancellation) {}

  Handle run(const addrinfo* addresses) {
    const addrinfo* next = addresses;
    while (next || !running_.empty()) {
      if (next) {
        if (Handle connected = start(*next)) return connected;
        next = next->ai_next;
      }
      const int left = deadline_.milliseconds_left();
      const int pause = static_cast<int>(head_start.count());
      if (Handle connected = wait(next ? std::min(left, pause) : left)) return connected;
      if (deadline_.passed()) throw unreached(target_, fmt::format("no answer within {}", seconds(deadline_)));
    }
    throw unreached(target_, failures_);
  }

 private:
  struct Attempt {
    Handle socket;
    std::string address;
  };

  Handle start(const addrinfo& address) {
    Handle socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return failed(text_of(address), errno), Handle();
    set_option(socket.get(), TCP_NODELAY, 1);
    set_option(socket.get(), TCP_USER_TIMEOUT, unacknowledged_ms);
    set_option(socket.get(), TCP_NOTSENT_LOWAT, unsent_bytes);
    if (!target_.bind_address.empty()) bind_to(socket.get(), target_.bind_address, address.ai_family);
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return socket;
    if (errno != EINPROGRESS) return failed(text_of(address), errno), Handle();
    running_.push_back({std::move(socket), text_of(address)});
    return Handle();
  }

  // Until one connects, or one has failed, or on a timeout.
  Handle wait(int milliseconds) {
    if (running_.empty()) return Handle();
    std::vector<pollfd> fds{{cancellation_.fd(), POLLIN, 0}};
    for (const Attempt& a : running_) fds.push_back({a.socket.get(), POLLOUT, 0});
    ::poll(fds.data(), fds.size(), milliseconds);
    cancellation_.check();
    std::vector<Attempt> going_on;
    Handle winner;
    for (std::size_t i = 0; i < running_.size(); ++i) {
      int error = 0;
      socklen_t size = sizeof error;
      if (!fds[i + 1].revents)
        going_on.push_back(std::move(running_[i]));
      else if (::getsockopt(running_[i].socket.get(), SOL_SOCKET, SO_ERROR, &error, &size); error != 0)
        failed(running_[i].address, error);
      else if (!winner)
        winner = std::move(running_[i].socket);
    }
    running_ = std::move(going_on);
    return winner;
  }

  void failed(const std::string& address, int error) {
    if (!failures_.empty()) failures_ += ", ";
    failures_ += std::generic_category().message(error);
    if (address != target_.host) failures_ += fmt::format(" ({})", address);
  }

  const TcpTarget& target_;
  const Deadline& deadline_;
  const Cancellation& cancellation_;
  std::vector<Attempt> running_;
  std::string failures_;
};

}  // namespace

Handle connect_tcp(const TcpTarget& target, const Deadline& deadline, const Cancellation& cancellation,
                   const std::function<void()>& found) {
  cancellation.check();
  const Addresses addresses = look_up(target, deadline, cancellation);
  if (found) found();
  return Race(target, deadline, cancellation).run(addresses.get());
}

}  // namespace mlops
