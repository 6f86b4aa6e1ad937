#include "ssh/key_agent.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "ssh/deadline.hpp"
#include "ssh/key_text.hpp"
#include "ssh/libssh_connection.hpp"

namespace mlops {
namespace {

// draft-miller-ssh-agent section 6.1.
enum Message : char { failure = 5, request_identities = 11, identities_answer = 12, sign_request = 13 };

constexpr std::uint32_t largest_message = 256 << 10;  // as in OpenSSH
constexpr std::uint32_t too_many = 2048;              // keys; likewise
constexpr int list_ms = 5000;
constexpr int sign_ms = 120'000;  // a key may need to be touched, or its use to be confirmed

Handle connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return Handle();
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return Handle();
  return socket;
}

// One end of a connection with length-prefixed messages; other descriptors can end all of it.
class Talk {
 public:
  Talk(int fd, Deadline deadline, std::vector<int> stops)
      : fd_(fd), deadline_(deadline), stops_(std::move(stops)) {}

  bool send(const std::string& message) {
    std::string bytes;
    put_text(bytes, message);
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (n > 0) done += static_cast<std::size_t>(n);
      if (n < 0 && !wait(POLLOUT)) return false;
    }
    return true;
  }

  // "" if none came.
  std::string receive() {
    std::string size;
    if (!read(size, 4)) return "";
    const std::uint32_t length = KeyReader(size).number();
    std::string message;
    return length > 0 && length <= largest_message && read(message, length) ? message : "";
  }

 private:
  bool read(std::string& into, std::size_t size) {
    into.resize(size);
    std::size_t done = 0;
    while (done < size) {
      const ssize_t n = ::recv(fd_, into.data() + done, size - done, MSG_DONTWAIT);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
      if (n > 0) done += static_cast<std::size_t>(n);
      if (n < 0 && !wait(POLLIN)) return false;
    }
    return true;
  }

  bool wait(short events) {
    std::vector<pollfd> fds{{fd_, events, 0}};
    for (const int stop : stops_) fds.push_back({stop, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), deadline_.milliseconds_left()) <= 0) return false;
    return fds[0].revents != 0;
  }

  int fd_;
  Deadline deadline_;
  std::vector<int> stops_;
};

std::string list_of(const std::vector<AgentOffer>& offers) {
  std::string answer(1, identities_answer);
  put_number(answer, static_cast<std::uint32_t>(offers.size()));
  for (const AgentOffer& offer : offers) {
    put_text(answer, offer.key.blob);
    put_text(answer, offer.key.comment);
  }
  return answer;
}

}  // namespace

std::vector<AgentKey> agent_keys_in(const std::string& answer) {
  if (answer.empty() || answer[0] != identities_answer) return {};
  KeyReader reader(std::string_view(answer).substr(1));
  const std::uint32_t count = reader.number();
  std::vector<AgentKey> keys;
  for (std::uint32_t i = 0; i < count && i < too_many && reader.good(); ++i) {
    AgentKey key;
    key.blob = reader.text();
    key.comment = reader.text();
    if (reader.good()) keys.push_back(std::move(key));
  }
  return keys;
}

KeyAgent::KeyAgent(const std::string& socket_path, const Cancellation& cancellation)
    : cancellation_(cancellation), agent_(connect_to(socket_path)) {
  if (!agent_) return;
  stop_ = Handle(::eventfd(0, EFD_CLOEXEC));
  keys_ = agent_keys_in(ask(std::string(1, request_identities), list_ms));
  if (keys_.empty()) return;
  std::tie(client_, server_) = socket_pair();
  thread_ = std::thread([this] { serve(); });
}

KeyAgent::~KeyAgent() {
  const std::uint64_t one = 1;
  if (stop_) [[maybe_unused]]
    const ssize_t n = ::write(stop_.get(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

void KeyAgent::offer(std::vector<AgentOffer> keys) {
  const std::lock_guard lock(mutex_);
  offered_ = std::move(keys);
  last_signer_.reset();
}

std::optional<std::size_t> KeyAgent::last_signer() {
  const std::lock_guard lock(mutex_);
  return last_signer_;
}

void KeyAgent::serve() {
  for (;;) {
    Talk talk(server_.get(), Deadline(std::chrono::hours(1)), {stop_.get()});
    const std::string request = talk.receive();
    if (request.empty() || !talk.send(answer(request))) return;
  }
}

std::string KeyAgent::ask(const std::string& request, int milliseconds) {
  Talk talk(agent_.get(), Deadline(std::chrono::milliseconds(milliseconds)), {stop_.get(), cancellation_.fd()});
  return talk.send(request) ? talk.receive() : "";
}

// The request for the real agent: with the offer's signer; "" if it is for no key on offer.
std::string KeyAgent::passed_on(const std::string& request) {
  KeyReader reader(std::string_view(request).substr(1));
  const auto wanted = reader.text();
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; reader.good() && i < offered_.size(); ++i) {
    if (offered_[i].key.blob != wanted) continue;
    last_signer_ = i;
    std::string passed(1, sign_request);
    put_text(passed, offered_[i].signer);
    return passed.append(reader.rest());
  }
  return "";
}

std::string KeyAgent::answer(const std::string& request) {
  if (request[0] == request_identities) {
    const std::lock_guard lock(mutex_);
    return list_of(offered_);
  }
  const std::string passed = request[0] == sign_request ? passed_on(request) : "";
  const std::string signature = passed.empty() ? "" : ask(passed, sign_ms);
  return signature.empty() ? std::string(1, failure) : signature;
}

}  // namespace mlops
