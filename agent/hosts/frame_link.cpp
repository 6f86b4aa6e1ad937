#include "hosts/frame_link.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "base/error.hpp"
#include "base/frame.hpp"

namespace mlops {
namespace {

using Clock = std::chrono::steady_clock;

// Signals are handled by the main thread.
std::thread quiet_thread(std::function<void()> work) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(work));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

FrameLink::FrameLink(Settings settings) : settings_(std::move(settings)) {
  reader_ = quiet_thread([this] { read(); });
  beater_ = quiet_thread([this] { pulse(); });
}

FrameLink::~FrameLink() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    pulse_.notify_all();
    changed_.notify_all();
  }
  beater_.join();
  reader_.join();
}

void FrameLink::send(const std::string& payload) {
  const std::lock_guard lock(sending_);
  try {
    send_frame(settings_.out, payload);
  } catch (const Error&) {
    // The reading side reports the cause.
  }
}

std::optional<std::string> FrameLink::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !frames_.empty() || !ended_.empty() || woken_; });
  if (std::exchange(woken_, false) || frames_.empty()) return std::nullopt;
  std::string frame = std::move(frames_.front());
  frames_.pop_front();
  waiting_ -= frame.size();
  changed_.notify_all();
  return frame;
}

void FrameLink::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

std::string FrameLink::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void FrameLink::end(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_.empty()) ended_ = why;
    changed_.notify_all();
    if (closing_ || std::exchange(told_, true)) return;
  }
  if (settings_.on_end) settings_.on_end();
}

void FrameLink::read() {
  std::string why = "the connection was closed";
  try {
    while (auto frame = receive_frame(settings_.in, settings_.limit)) {
      {
        const std::lock_guard lock(mutex_);
        heard_ = Clock::now();
      }
      if (frame->empty() || (settings_.urgent && settings_.urgent(*frame))) continue;
      keep(std::move(*frame));
    }
  } catch (const std::exception& e) {
    why = e.what();
  }
  end(why);
}

// If frames are not consumed, the other end has to wait: memory is bounded by two frames.
void FrameLink::keep(std::string frame) {
  std::unique_lock lock(mutex_);
  full_ = waiting_ + frame.size() > settings_.limit;
  changed_.wait(lock,
                [&] { return closing_ || frames_.empty() || waiting_ + frame.size() <= settings_.limit; });
  full_ = false;
  heard_ = Clock::now();
  waiting_ += frame.size();
  frames_.push_back(std::move(frame));
  changed_.notify_all();
}

void FrameLink::pulse() {
  std::unique_lock lock(mutex_);
  while (!pulse_.wait_for(lock, beat, [this] { return closing_; })) {
    const bool silent = !full_ && Clock::now() - heard_ > patience;
    const bool over = !ended_.empty();
    lock.unlock();
    if (silent) {
      end(fmt::format("no answer for {} s", patience.count()));
    } else if (!over && sending_.try_lock()) {  // a frame being sent counts as a heartbeat
      // Does not wait for a full pipe: this thread also detects silence.
      pollfd room{settings_.out, POLLOUT, 0};
      const bool ready = ::poll(&room, 1, 0) == 1 && (room.revents & POLLOUT);
      try {
        if (ready) send_frame(settings_.out, "");
      } catch (const Error&) {
        // The reading side reports the cause.
      }
      sending_.unlock();
    }
    lock.lock();
  }
}

}  // namespace mlops
