// One end of a conversation in frames, which notices when the other end is gone or silent.
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

// Both ends send an empty frame every three seconds, whatever else they do, so that silence means something. Frames are
// read on a thread of its own. Safe to use from several threads.
class FrameLink {
 public:
  static constexpr std::chrono::seconds beat{3};
  static constexpr std::chrono::seconds patience{12};  // with less than a beat to notice it: at most 15 s

  struct Settings {
    int in = -1, out = -1;  // borrowed; may be one socket
    std::uint32_t limit = 0;  // bytes of a frame that comes in; while more wait for next(), nothing is read
    // Called on the reading thread: true takes the frame, which next() then does not give.
    std::function<bool(const std::string&)> urgent = {};
    // Called once, on a thread of the link, when the other end is gone or silent.
    std::function<void()> on_end = {};
  };
  explicit FrameLink(Settings settings);
  // `in` must be shut down or at its end by then: the reading thread is waited for.
  ~FrameLink();
  FrameLink(const FrameLink&) = delete;
  FrameLink& operator=(const FrameLink&) = delete;

  // In silence where the other end is gone: next() will say so.
  void send(const std::string& payload);
  // Waits for a frame. Absent when there will be none any more, or wake was called.
  std::optional<std::string> next();
  // Lets next() return, absent, once.
  void wake();

  // Why there will be no more: "the connection was closed", "no answer for 12 s", or what was wrong with a frame; ""
  // while all is well.
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
  bool full_ = false;  // nothing is read for now, so nothing is heard
  std::chrono::steady_clock::time_point heard_ = std::chrono::steady_clock::now();
  std::thread reader_, beater_;
};

}  // namespace mlops
