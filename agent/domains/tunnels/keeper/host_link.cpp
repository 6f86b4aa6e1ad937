#include "domains/tunnels/keeper/host_link.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <random>
#include <utility>

#include "base/error.hpp"
#include "domains/tunnels/keeper/back_off.hpp"

namespace mlops {
namespace {

using namespace std::chrono_literals;
using State = TunnelView::State;

double chance() {
  static thread_local std::mt19937 random(std::random_device{}());
  return std::uniform_real_distribution<>(0, 1)(random);
}

}  // namespace

HostLink::HostLink(Settings settings)
    : settings_(std::move(settings)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw system_error("cannot make an event", errno);
  view_.since = std::time(nullptr);
  thread_ = std::thread([this] { run(); });
}

HostLink::~HostLink() { stop(); }

HostLink::View HostLink::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

std::shared_ptr<Connection> HostLink::connection(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!connection_ && view_.state == State::away) hurry_ = true, changed_.notify_all();
  changed_.wait_for(lock, patience,
                    [&] { return connection_ || stopping_ || view_.state == State::needs_you; });
  return stopping_ ? nullptr : connection_;
}

void HostLink::settle(bool retry, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const bool again = retry && view_.state != State::up && view_.state != State::connecting;
  if (again) hurry_ = true, changed_.notify_all();
  const auto before = attempts_;
  changed_.wait_for(lock, patience, [&] {
    return stopping_ || ((!again || attempts_ > before) && view_.state != State::connecting);
  });
}

void HostLink::doubt(std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  if (view_.state == State::away) hurry_ = true;
  if (view_.state == State::up) doubt_ = patience;
  changed_.notify_all();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
}

void HostLink::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
  }
  if (thread_.joinable()) thread_.join();
}

void HostLink::set(State state, std::string reason) {
  const std::lock_guard lock(mutex_);
  if (view_.state != state) view_.since = std::time(nullptr);
  if (state == State::up && std::exchange(was_up_, true)) ++view_.reconnected;
  view_.state = state;
  view_.reason = std::move(reason);
  changed_.notify_all();
}

void HostLink::run() {
  BackOff back_off;
  for (;;) {
    const auto begin = Clock::now();
    if (attempt()) {
      hold();
      back_off.stood(std::chrono::duration_cast<BackOff::Time>(Clock::now() - begin));
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    auto time = back_off.next(chance());
    if (view().state == State::needs_you) time = std::max(time, settings_.needs_you_pause);
    settings_.log(fmt::format("trying again in {:.1f} s", double(time.count()) / 1000));
    pause(time);
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      if (std::exchange(hurry_, false)) back_off.reset();
    }
  }
}

// True once the connection is established. While an unreachable host is retried, the problem is kept as the
// reason.
bool HostLink::attempt() {
  State state = State::up;
  std::string reason;
  std::shared_ptr<Connection> connection;
  std::shared_ptr<void> prepared;
  try {
    connection = settings_.connect();
    if (settings_.prepare) prepared = settings_.prepare(*connection);
  } catch (const Error& e) {
    state =
        e.kind() == ErrorKind::unavailable || e.kind() == ErrorKind::cancelled ? State::away : State::needs_you;
    reason = e.what();
  } catch (const std::exception& e) {
    state = State::away;
    reason = e.what();
  }
  settings_.log(state == State::up ? "connected" : fmt::format("{}: {}", to_text(state), reason));
  const bool up = state == State::up;
  {
    const std::lock_guard lock(mutex_);
    if (up) connection_ = std::move(connection), prepared_ = std::move(prepared);
  }
  set(state, std::move(reason));
  const std::lock_guard lock(mutex_);
  ++attempts_;
  hurry_ = false;
  changed_.notify_all();
  return up;
}

// Until the connection is lost, or is to be closed.
void HostLink::hold() {
  const std::shared_ptr<Connection> held = connection_;  // written by this thread only
  std::string reason;
  for (;;) {
    std::array<pollfd, 2> fds{{{held->lost_fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), -1);
    if (fds[1].revents) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
    }
    std::optional<std::chrono::milliseconds> doubt;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      doubt = std::exchange(doubt_, std::nullopt);
      stopping = stopping_;
    }
    if (stopping) reason = "it was stopped";
    if (stopping) break;
    if (const auto lost = held->lost()) reason = "the connection is lost: " + *lost;
    if (reason.empty() && doubt && !held->answers(*doubt)) reason = "the host does not answer any more";
    if (!reason.empty()) break;
  }
  settings_.log(reason);
  std::shared_ptr<void> prepared;
  {
    const std::lock_guard lock(mutex_);
    connection_.reset();
    prepared = std::move(prepared_);
  }
  set(State::away, reason);
  prepared.reset();
}

void HostLink::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return hurry_ || stopping_; });
}

}  // namespace mlops
