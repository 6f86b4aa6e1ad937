#include "domains/tunnels/control.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/frame.hpp"
#include "domains/tunnels/tunnel_text.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr std::array<std::pair<std::string_view, TunnelQuestion>, 4> questions{
    {{"mlops-tunnel 1 status", TunnelQuestion::status},
     {"mlops-tunnel 1 probe", TunnelQuestion::probe},
     {"mlops-tunnel 1 retry", TunnelQuestion::retry},
     {"mlops-tunnel 1 stop", TunnelQuestion::stop}}};

// A socket's path is limited to 107 bytes, and a folder's may be longer: it is addressed by its descriptor
// (proc(5)).
class SocketPlace {
 public:
  SocketPlace(const TunnelFolder& folder, const std::string& name)
      : folder_(::open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    address_.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}/{}.control", folder_.get(), name);
    if (folder_ && path.size() < sizeof address_.sun_path)
      std::memcpy(address_.sun_path, path.c_str(), path.size());
  }
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
  static constexpr socklen_t size = sizeof(sockaddr_un);
  const char* path() const { return address_.sun_path; }

 private:
  Handle folder_;
  sockaddr_un address_{};
};

// Receives a frame's bytes as they arrive, until the timeout.
class Waiting {
 public:
  Waiting(int fd, std::chrono::milliseconds patience, const Cancellation& cancellation)
      : fd_(fd), end_(Clock::now() + patience), cancellation_(cancellation) {}

  // False at the end of input, or on a timeout.
  bool receive(char* data, std::size_t size) {
    while (size > 0) {
      if (!ready()) return false;
      const ssize_t n = ::recv(fd_, data, size, MSG_DONTWAIT);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n <= 0) return false;
      data += n;
      size -= static_cast<std::size_t>(n);
    }
    return true;
  }

 private:
  bool ready() {
    for (;;) {
      cancellation_.check();
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now()).count();
      if (left <= 0) return false;
      std::array<pollfd, 2> fds{{{fd_, POLLIN, 0}, {cancellation_.fd(), POLLIN, 0}}};
      if (::poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
      if (fds[0].revents) return true;
    }
  }

  int fd_;
  Clock::time_point end_;
  const Cancellation& cancellation_;
};

template <class T>
void take(const Json& json, const char* name, T& into) {
  into = json.at(name).get<T>();
}

}  // namespace

std::string encode(TunnelQuestion question) {
  for (const auto& [text, known] : questions)
    if (known == question) return std::string(text);
  return "";
}

std::optional<TunnelQuestion> decode_question(std::string_view text) {
  for (const auto& [known, question] : questions)
    if (text == known) return question;
  return std::nullopt;
}

std::string encode(const TunnelStatus& s) {
  Json json;
  json["settings"] = tunnel_text(s.settings);
  json["build"] = s.build;
  json["state"] = to_text(s.state);
  json["reason"] = s.reason.substr(0, 4096);
  json["since"] = s.since;
  json["started"] = s.started;
  json["sent"] = s.sent;
  json["received"] = s.received;
  json["open"] = s.open;
  json["connections"] = s.connections;
  json["reconnected"] = s.reconnected;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

TunnelStatus decode_status(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    TunnelStatus s;
    const auto settings = parse_tunnel(json.at("settings").get<std::string>());
    const auto state = tunnel_state_of(json.at("state").get<std::string>());
    if (!settings || !state) throw Error("what a tunnel's process answered is not understood");
    s.settings = *settings;
    s.state = *state;
    take(json, "build", s.build), take(json, "reason", s.reason);
    take(json, "since", s.since), take(json, "started", s.started);
    take(json, "sent", s.sent), take(json, "received", s.received);
    take(json, "open", s.open), take(json, "connections", s.connections);
    take(json, "reconnected", s.reconnected);
    return s;
  } catch (const Json::exception& e) {
    throw Error(fmt::format("what a tunnel's process answered is not understood: {}", e.what()));
  }
}

std::optional<TunnelStatus> ask_tunnel(const TunnelFolder& folder, const std::string& name,
                                       TunnelQuestion question, std::chrono::milliseconds patience,
                                       const Cancellation& cancellation) {
  const SocketPlace place(folder, name);
  // Non-blocking, in case its backlog is full.
  const Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::connect(socket.get(), place.address(), SocketPlace::size) != 0) return std::nullopt;
  if (peer_of(socket.get()) != folder.owner()) return std::nullopt;
  const std::string words = encode(question);
  const auto size = static_cast<std::uint32_t>(words.size());
  std::string frame(reinterpret_cast<const char*>(&size), sizeof size);
  frame += words;
  if (::send(socket.get(), frame.data(), frame.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frame.size()))
    return std::nullopt;
  Waiting waiting(socket.get(), patience, cancellation);
  std::uint32_t length = 0;
  if (!waiting.receive(reinterpret_cast<char*>(&length), sizeof length) || length > control_frame_limit)
    return std::nullopt;
  std::string answer(length, '\0');
  if (!waiting.receive(answer.data(), answer.size())) return std::nullopt;
  try {
    return decode_status(answer);
  } catch (const Error&) {
    return std::nullopt;
  }
}

Handle listen_for_control(const TunnelFolder& folder, const std::string& name) {
  const SocketPlace place(folder, name);
  ::unlink(place.path());
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::bind(socket.get(), place.address(), SocketPlace::size) != 0 ||
      ::chmod(place.path(), 0600) != 0 || ::listen(socket.get(), 16) != 0)
    throw system_error("cannot listen on " + folder.file(name, ".control"), errno);
  return socket;
}

std::optional<uid_t> peer_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer)
    return std::nullopt;
  return peer.uid;
}

}  // namespace mlops
