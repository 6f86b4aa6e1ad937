// What a tunnel's process notes of its doings, in a file that does not grow for ever.
#pragma once

#include <mutex>
#include <string>

#include "base/handle.hpp"

namespace mlops {

// At most twice largest bytes: a full file becomes PATH.1. Lines begin with the time (UTC). Safe to use from several
// threads. A log that cannot be written is none: nothing throws.
class TunnelLog {
 public:
  static constexpr std::size_t largest = 128 << 10;  // bytes
  explicit TunnelLog(std::string path);
  void write(const std::string& text);

 private:
  void open();
  std::mutex mutex_;
  std::string path_;
  Handle file_;
  std::size_t size_ = 0;
};

}  // namespace mlops
