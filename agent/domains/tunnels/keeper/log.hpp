// The log of a tunnel's process, of bounded size.
#pragma once

#include <mutex>
#include <string>

#include "base/handle.hpp"

namespace mlops {

// At most twice `largest` bytes: a full file becomes PATH.1. Lines begin with the time (UTC). Thread-safe. A
// log that cannot be written is ignored: nothing throws.
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
