#include "backends/ssh/service.hpp"

#include <libssh/libssh.h>
#include <libssh/server.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "backends/ssh/stream.hpp"

namespace mlops::ssh {
namespace {

constexpr std::size_t send_budget = 512 << 10;  // unsent bytes for the socket
constexpr int packets_in_a_row = 64;            // reads of libssh before other work gets its turn

}  // namespace

struct Service::Counter {
  ssh_counter_struct socket{}, packets{};
};

Service::Service(ssh_session session, int socket, std::chrono::milliseconds lost_after)
    : session_(session), socket_(socket), lost_after_(lost_after), counter_(std::make_unique<Counter>()) {}

Service::~Service() {
  stop();
  streams_.clear();
  if (event_) {
    ssh_event_remove_session(event_, session_);
    ssh_event_free(event_);
  }
  ssh_set_counters(session_, nullptr, nullptr);
}

bool Service::start() {
  wake_ = Handle(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  lost_event_ = Handle(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  event_ = ssh_event_new();
  if (!wake_ || !lost_event_ || !event_ || ssh_event_add_session(event_, session_) != SSH_OK) return false;
  ssh_set_counters(session_, &counter_->socket, &counter_->packets);
  ssh_set_message_callback(
      session_,
      [](ssh_session, ssh_message message, void* self) {
        return static_cast<Service*>(self)->take_connection(message) ? 0 : 1;
      },
      this);
  last_progress_ = Clock::now();
  next_look_ = last_progress_ + lost_after_ / 3;
  thread_ = std::thread([this] { run(); });
  return true;
}

void Service::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  if (wake_) [[maybe_unused]]
    const ssize_t n = ::write(wake_.get(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

void Service::grant(Wish& wish) {
  std::unique_lock lock(mutex_);
  if (!lost_ && !stopping_) {
    wishes_.push_back(&wish);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
    settled_.wait(lock, [&] { return wish.settled || lost_; });
    if (!wish.settled) std::erase(wishes_, &wish);
  }
  if (!wish.settled) {
    wish.outcome = mlops_ssh_lost;
    wish.message = lost_.value_or("the connection is being closed");
  }
}

std::optional<std::string> Service::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void Service::add(std::unique_ptr<Stream> stream) { streams_.push_back(std::move(stream)); }

void Service::settle(Wish& wish, mlops_ssh_outcome outcome, std::string message) {
  const std::lock_guard lock(mutex_);
  wish.outcome = outcome;
  wish.message = std::move(message);
  wish.settled = true;
  settled_.notify_all();
}

std::string Service::error() const { return ssh_get_error(session_); }

Stream* Service::taken(std::uint64_t connection) const {
  for (const auto& stream : streams_)
    if (stream->connection() == connection) return stream.get();
  return nullptr;
}

// "Channel opening failure: channel 43 error (2) Connection refused"; the numbers are RFC 4254's, section 5.1.
void Service::settle_opening(Wish& wish) {
  constexpr std::string_view before = " error (";
  const std::string words = error();
  const auto at = words.find(before), end = words.find(") ", at);
  if (at == std::string::npos || end == std::string::npos) return settle(wish, mlops_ssh_unreached, words);
  const bool prohibited = words.substr(at + before.size(), end - at - before.size()) == "1";
  settle(wish, prohibited ? mlops_ssh_denied : mlops_ssh_unreached, words.substr(end + 2));
}

// ---- connections that the host accepts for us ---------------------------------------------------------------

void Service::listen(Listener listener, Wish& wish) { requests_.push_back({std::move(listener), &wish}); }

void Service::unlisten(const std::string& address, int port) {
  const auto gone = std::find_if(listeners_.begin(), listeners_.end(),
                                 [&](const Listener& l) { return l.address == address && l.port == port; });
  if (gone == listeners_.end()) return;
  requests_.push_back({std::move(*gone), nullptr});
  listeners_.erase(gone);
}

// libssh keeps one state for all global requests, and would take the response to a pending keep-alive for the
// one to this request. The byte count shows what was really sent: RFC 4254 section 4 has the fields.
void Service::advance_request() {
  if (requests_.empty()) return;
  Request& request = requests_.front();
  const std::string name = request.wish ? "tcpip-forward" : "cancel-tcpip-forward";
  const std::uint64_t size = 1 + 4 + name.size() + 1 + 4 + request.listener.address.size() + 4;
  const std::uint64_t before = counter_->packets.out_bytes;
  int port = 0;
  const int answer =
      request.wish
          ? ssh_channel_listen_forward(session_, request.listener.address.c_str(), request.listener.port, &port)
          : ssh_channel_cancel_forward(session_, request.listener.address.c_str(), request.listener.port);
  if (!request.sent && counter_->packets.out_bytes - before >= size) request.sent = true;
  if (request.sent && answer != SSH_AGAIN) end_request(answer, port);
}

void Service::end_request(int answer, int port) {
  Request request = std::move(requests_.front());
  requests_.pop_front();
  if (!request.wish) return;
  if (request.listener.port == 0) request.listener.port = port;
  if (answer != SSH_OK) return settle(*request.wish, mlops_ssh_denied, "the host refuses to listen there");
  // libssh reads the response to port 0 from whatever packet came last.
  if (request.listener.port <= 0 || request.listener.port > 65535)
    return settle(*request.wish, mlops_ssh_lost, "the port that the host has chosen was not understood");
  request.wish->port = request.listener.port;
  listeners_.push_back(std::move(request.listener));
  settle(*request.wish, mlops_ssh_ok);
}

bool Service::take_connection(ssh_message message) {
  if (ssh_message_type(message) != SSH_REQUEST_CHANNEL_OPEN ||
      ssh_message_subtype(message) != SSH_CHANNEL_FORWARDED_TCPIP)
    return false;
  const char* address = ssh_message_channel_request_open_destination(message);
  const int port = ssh_message_channel_request_open_destination_port(message);
  const Listener* found = nullptr;
  for (const Listener& l : listeners_)
    if (l.port == port && (!found || l.address == address)) found = &l;
  if (!found || !found->on_connection(++connections_)) return false;
  const ssh_channel channel = ssh_message_channel_request_open_reply_accept(message);
  if (channel) streams_.push_back(std::make_unique<Stream>(*this, channel, connections_));
  return true;
}

// ---- the thread ---------------------------------------------------------------------------------------------

void Service::run() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    take_wishes();
    advance_request();
    for (auto at = streams_.begin(); at != streams_.end(); ++at) (*at)->advance();
    drop_finished();
    if (broken()) return lose("");
    wait_and_pump();
    watch();
    if (lost()) return;
  }
  lose("the connection was closed");
}

void Service::take_wishes() {
  for (;;) {
    Wish* wish = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (wishes_.empty()) return;
      wish = wishes_.front();
      wishes_.pop_front();
    }
    wish->begin(*wish);
  }
}

void Service::drop_finished() {
  std::erase_if(streams_, [](const auto& stream) { return stream->finished(); });
}

void Service::wait_and_pump() {
  const int flags = ssh_get_poll_flags(session_);
  const bool full = (ssh_get_status(session_) & SSH_WRITE_PENDING) != 0;
  std::vector<pollfd> fds;
  fds.reserve(streams_.size() + 2);
  fds.push_back({socket_, static_cast<short>(POLLIN | ((flags & SSH_WRITE_PENDING) ? POLLOUT : 0)), 0});
  fds.push_back({wake_.get(), POLLIN, 0});
  std::vector<Stream*> streams;
  for (const auto& stream : streams_) {
    pollfd wanted = stream->interest();
    if (full) wanted.events &= ~POLLIN;
    if (wanted.events == 0 && full && wanted.fd >= 0) wanted.fd = -1;
    fds.push_back(wanted);
    streams.push_back(stream.get());
  }
  if (::poll(fds.data(), fds.size(), milliseconds_to_next_look()) <= 0) return;
  if (fds[1].revents) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
  }
  if (fds[0].revents) read_packets();
  std::size_t budget = send_budget;
  const std::size_t count = streams.size();
  turn_ = count ? (turn_ + 1) % count : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (turn_ + i) % count;
    if (fds[at + 2].revents) streams[at]->serve(fds[at + 2].revents, budget);
  }
}

void Service::read_packets() {
  for (int i = 0; i < packets_in_a_row && !broken(); ++i)
    if (ssh_event_dopoll(event_, 0) != SSH_OK) return;
}

// Bytes arrived, or the host's system acknowledged some of ours. A host that is busy receiving a lot from us
// over a slow line may have no time to respond, and is alive all the same.
bool Service::progress() {
  int unacknowledged = 0;
  ::ioctl(socket_, SIOCOUTQ, &unacknowledged);
  const bool moved = counter_->socket.in_bytes != seen_read_ || unacknowledged < seen_unacknowledged_;
  seen_read_ = counter_->socket.in_bytes;
  seen_unacknowledged_ = unacknowledged;
  return moved;
}

void Service::watch() {
  const auto now = Clock::now();
  if (counter_->socket.in_bytes != seen_read_) {
    seen_read_ = counter_->socket.in_bytes;
    last_progress_ = now;
  }
  see_life();
  if (now < next_look_) return;
  if (progress()) last_progress_ = now;
  next_look_ = now + lost_after_ / 12;
  const auto silent = now - last_progress_;
  if (silent >= lost_after_)
    lose("the host has not answered for " +
         std::to_string(std::chrono::round<std::chrono::seconds>(silent).count()) + " s");
  else if (silent >= lost_after_ / 3)
    send_keep_alive();
}

void Service::send_keep_alive() {
  if (!requests_.empty()) return;  // its response serves as well
  // The first call notes the response to an earlier request, the second sends one if none is pending.
  ssh_send_keepalive(session_);
  ssh_send_keepalive(session_);
}

void Service::ask_for_life(Wish& wish, std::chrono::milliseconds within) {
  while (!broken() && ssh_event_dopoll(event_, 0) == SSH_OK) {
  }
  asked_.push_back({&wish, counter_->socket.in_bytes, Clock::now() + within});
  send_keep_alive();
}

void Service::see_life() {
  std::erase_if(asked_, [&](const Asked& a) {
    const bool lives = counter_->socket.in_bytes > a.read;
    if (!lives && Clock::now() < a.until) return false;
    settle(*a.wish, lives ? mlops_ssh_ok : mlops_ssh_timed_out);
    return true;
  });
}

int Service::milliseconds_to_next_look() const {
  auto until = next_look_;
  for (const Asked& a : asked_) until = std::min(until, a.until);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<long>(left + 1, 0, 60'000));
}

bool Service::broken() const {
  return (ssh_get_status(session_) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0 || !ssh_is_connected(session_);
}

void Service::lose(std::string reason) {
  if (reason.empty()) reason = error();
  if (reason.empty()) reason = "the host closed the connection";
  for (const auto& stream : streams_) stream->abandon();
  streams_.clear();
  if (broken()) ::shutdown(socket_, SHUT_RDWR);
  const std::lock_guard lock(mutex_);
  lost_ = std::move(reason);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(lost_event_.get(), &one, sizeof one);
  settled_.notify_all();
}

}  // namespace mlops::ssh
