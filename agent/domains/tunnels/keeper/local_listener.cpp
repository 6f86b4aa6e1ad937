#include "domains/tunnels/keeper/local_listener.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "base/socket_address.hpp"
#include "domains/network/listeners.hpp"
#include "ssh/tcp.hpp"

namespace mlops {
namespace {

constexpr int backlog = 256;

SocketAddress unix_address(const std::string& path) {
  SocketAddress a;
  auto* un = reinterpret_cast<sockaddr_un*>(&a.storage);
  un->sun_family = AF_UNIX;
  if (path.size() >= sizeof un->sun_path)
    throw Error(fmt::format("{}: the path of a socket may have {} bytes", path, sizeof un->sun_path - 1));
  std::memcpy(un->sun_path, path.c_str(), path.size());
  a.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return a;
}

// The address to connect to from here for a listener.
SocketAddress own_address(const Endpoint& listen) {
  if (listen.is_socket()) return unix_address(listen.path);
  const std::string host = listen.host == "localhost" || listen.host == "0.0.0.0" ? "127.0.0.1"
                           : listen.host == "::"                                  ? "::1"
                                                                                  : listen.host;
  const auto address = numeric_address(host, listen.port);
  if (!address) throw Error(fmt::format("{} is no address of this machine", listen.host));
  return *address;
}

Error taken(const Endpoint& place, const std::optional<Listener>& by) {
  const std::string what =
      place.is_socket() ? place.path : fmt::format("port {} of {}", place.port, place.host);
  return Error(fmt::format("{} is taken{}", what, by ? " by " + describe(*by) : " by an unknown process"));
}

}  // namespace

LocalListener::LocalListener(const Endpoint& place) : place_(place) {
  if (place.is_socket()) {
    listen_on_path();
  } else if (place.host != "localhost") {
    listen_on_port(place.host, true);
  } else {
    listen_on_port("127.0.0.1", true);
    listen_on_port("::1", false);
  }
}

LocalListener::~LocalListener() {
  struct stat status {};
  if (!inode_ || ::lstat(place_.path.c_str(), &status) != 0) return;
  if (status.st_ino == inode_ && status.st_dev == device_) ::unlink(place_.path.c_str());
}

void LocalListener::listen_on_path() {
  const std::string& path = place_.path;
  const SocketAddress address = unix_address(path);
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) throw Error(fmt::format("{} is there already, and is no socket", path));
    const Handle probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(probe.get(), address.get(), address.size) == 0 || errno != ECONNREFUSED)
      throw taken(place_, listener_on_socket(path));
    ::unlink(path.c_str());
  }
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t before = ::umask(0177);
  const int bound = socket ? ::bind(socket.get(), address.get(), address.size) : -1;
  const int error = errno;
  ::umask(before);
  if (bound != 0) throw system_error("cannot listen on " + path, error);
  if (::listen(socket.get(), backlog) != 0 || ::lstat(path.c_str(), &status) != 0)
    throw system_error("cannot listen on " + path, errno);
  device_ = status.st_dev;
  inode_ = status.st_ino;
  sockets_.push_back(std::move(socket));
}

void LocalListener::listen_on_port(const std::string& host, bool must) {
  const auto address = numeric_address(host, place_.port);
  if (!address) throw Error(fmt::format("{} is no address of this machine", host));
  Handle socket(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  // So that lingering connections of an earlier listener do not block it (tcp(7), TIME_WAIT).
  if (socket) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (socket && address->family() == AF_INET6)
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (socket && ::bind(socket.get(), address->get(), address->size) == 0 &&
      ::listen(socket.get(), backlog) == 0) {
    sockets_.push_back(std::move(socket));
    return;
  }
  const int error = errno;
  if (!must && error != EADDRINUSE) return;
  if (error == EADDRINUSE) throw taken({host, place_.port, ""}, listener_on(host, place_.port));
  if (error == EACCES)
    throw Error(
        fmt::format("only root may listen on port {} (net.ipv4.ip_unprivileged_port_start)", place_.port));
  if (error == EADDRNOTAVAIL) throw Error(fmt::format("{} is no address of this machine", host));
  throw system_error(fmt::format("cannot listen on {}", Endpoint{host, place_.port, ""}.to_text()), error);
}

Handle connect_here(const Endpoint& target, std::chrono::milliseconds patience,
                    const Cancellation& cancellation) {
  if (!target.is_socket()) return connect_tcp({target.host, target.port}, Deadline(patience), cancellation);
  const SocketAddress address = unix_address(target.path);
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), address.get(), address.size) != 0)
    throw Error(fmt::format("cannot reach {}: {}", target.path, std::strerror(errno)), ErrorKind::unavailable);
  return socket;
}

MarkedSocket marked_socket(const Endpoint& listen) {
  const SocketAddress to = own_address(listen);
  MarkedSocket m{Handle(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), ""};
  SocketAddress from;
  from.storage.ss_family = static_cast<sa_family_t>(to.family());
  // unix(7): binding with only the family assigns a unique name; port 0 assigns a free port.
  from.size = to.family() == AF_UNIX ? static_cast<socklen_t>(sizeof(sa_family_t)) : to.size;
  socklen_t size = sizeof from.storage;
  if (!m.socket || ::bind(m.socket.get(), from.get(), from.size) != 0 ||
      ::getsockname(m.socket.get(), reinterpret_cast<sockaddr*>(&from.storage), &size) != 0)
    throw system_error("cannot make a socket", errno);
  if (to.family() == AF_UNIX)
    m.mark.assign(reinterpret_cast<const char*>(&from.storage), size);
  else
    m.mark = std::to_string(ntohs(reinterpret_cast<const sockaddr_in*>(&from.storage)->sin_port));
  return m;
}

bool connect_marked(const MarkedSocket& marked, const Endpoint& listen) {
  const SocketAddress to = own_address(listen);
  return ::connect(marked.socket.get(), to.get(), to.size) == 0 || errno == EINPROGRESS;
}

std::string peer_mark(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "";
  if (peer.ss_family == AF_UNIX)
    return size > sizeof(sa_family_t) ? std::string(reinterpret_cast<const char*>(&peer), size) : "";
  // the same offset as in sockaddr_in6
  return std::to_string(ntohs(reinterpret_cast<const sockaddr_in*>(&peer)->sin_port));
}

}  // namespace mlops
