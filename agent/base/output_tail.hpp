// The end of a program's output, and its lines as they come.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace mlops {

// Keeps the last `limit` bytes of all that was added.
class OutputTail {
 public:
  static constexpr std::size_t limit = 1024 * 1024;

  void add(std::string_view bytes) {
    kept_ += bytes;
    if (kept_.size() > 2 * limit) kept_.erase(0, kept_.size() - limit);
  }
  std::string take() {
    if (kept_.size() > limit) kept_.erase(0, kept_.size() - limit);
    return std::move(kept_);
  }

 private:
  std::string kept_;
};

// Splits bytes into lines. A line longer than `limit` is split into pieces of that size.
class LineSplitter {
 public:
  using Sink = std::function<void(std::string_view)>;
  static constexpr std::size_t limit = 64 * 1024;

  explicit LineSplitter(Sink sink) : sink_(std::move(sink)) {}
  void add(std::string_view bytes) {
    if (!sink_) return;
    while (!bytes.empty()) {
      const std::size_t end = std::min(bytes.find('\n'), bytes.size());
      const std::size_t length = std::min(end, limit - rest_.size());
      rest_ += bytes.substr(0, length);
      bytes.remove_prefix(length);
      const bool ends = !bytes.empty() && bytes.front() == '\n';
      if (ends) bytes.remove_prefix(1);
      if (ends || rest_.size() == limit) deliver();
    }
  }
  // Delivers a last line without a newline.
  void end() {
    if (!rest_.empty()) deliver();
  }

 private:
  void deliver() {
    const std::string line = std::move(rest_);
    rest_.clear();
    sink_(line);
  }
  Sink sink_;
  std::string rest_;
};

}  // namespace mlops
