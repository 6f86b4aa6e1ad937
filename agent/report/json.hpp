// A run's events for programs: one JSON object a line (design: --json).
#pragma once

#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>

#include "model/event.hpp"

namespace mlops {

// A line is written and flushed as a whole when its event happens, so that it survives whatever kills us
// afterwards. Fields are always there, null when there is nothing to say. Not thread-safe. out is borrowed;
// when it cannot be written to, lines are lost in silence.
class JsonReport {
 public:
  using Clock = std::function<std::chrono::system_clock::time_point()>;
  explicit JsonReport(
      std::FILE* out, Clock clock = [] { return std::chrono::system_clock::now(); });
  void operator()(const Event& event);

 private:
  void begin(const char* event);
  void end();
  void text(const char* name, const std::string& value);
  void texts(const char* name, const std::vector<std::string>& list);
  void change(const Change& change, const std::vector<std::string>& maybe);
  void run(const RunStarted& e);
  void play(const PlayStarted& e);
  void notice(const NoticeGiven& e);
  void resource(const ResourceFinished& e);
  void summary(const RunFinished& e);

  std::FILE* out_;
  Clock clock_;
  std::string line_;         // under construction; kept for its memory
  std::time_t second_ = -1;  // of which time_ is the text
  std::string time_;         // up to the seconds
};

}  // namespace mlops
