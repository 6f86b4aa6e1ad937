// One end of a framed connection, which detects when the other end is gone or silent.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace mlops {

// Both ends send an empty frame every three seconds, whatever else they do, so that silence means a lost
// connection. Frames are read on a thread of their own. Thread-safe.
class FrameLink {
 public:
  static constexpr std::chrono::seconds beat{3};
  // with less than one heartbeat to notice it: at most 15 s
  static constexpr std::chrono::seconds patience{12};

  struct Settings {
    int in = -1, out = -1;    // borrowed; may be one socket
    std::uint32_t limit = 0;  // bytes of an incoming frame; while more are queued for next(), nothing is read
    // Called on the reading thread: true consumes the frame, and next() does not return it.
    std::function<bool(const std::string&)> urgent = {};
    // Called once, on a thread of the link, when the other end is gone or silent.
    std::function<void()> on_end = {};
  };
  explicit FrameLink(Settings settings);
  // `in` must be shut down or at its end by then: the destructor joins the reading thread.
  ~FrameLink();
  FrameLink(const FrameLink&) = delete;
  FrameLink& operator=(const FrameLink&) = delete;

  // Does nothing if the other end is gone: next() reports that.
  void send(const std::string& payload);
  // Waits for a frame. Absent at the end of the connection, or after wake.
  std::optional<std::string> next();
  // Makes next() return, absent, once.
  void wake();

  // Why no more frames come: "the connection was closed", "no answer for 12 s", or what was wrong with a frame;
  // "" while the connection is good.
  std::string ended() const;

 private:
  void read();
  void keep(std::string frame);
  void pulse();
  void end(const std::string& why);

  Settings settings_;
  mutable std::mutex mutex_;
  std::mutex sending_;
  std::condition_variable changed_, pulse_;
  std::deque<std::string> frames_;
  std::size_t waiting_ = 0;  // bytes of frames_
  std::string ended_;
  bool woken_ = false, closing_ = false, told_ = false;
  bool full_ = false;  // reading is paused, so no heartbeat is noticed
  std::chrono::steady_clock::time_point heard_ = std::chrono::steady_clock::now();
  std::thread reader_, beater_;
};

}  // namespace mlops
