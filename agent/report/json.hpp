// A run's events for programs: one JSON object per line (design: --json).
#pragma once

#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <string>

#include "model/event.hpp"

namespace mlops {

// Each line is written and flushed as a whole when its event happens, so that it survives if the process is
// killed afterwards. All fields are always present, null if there is no value. Not thread-safe. out is
// borrowed; if it cannot be written to, lines are dropped silently.
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
  void waiting(const ProgressMade& e);
  void notice(const NoticeGiven& e);
  void account(const AccountUsed& e);
  void resource(const ResourceFinished& e);
  void summary(const RunFinished& e);

  std::FILE* out_;
  Clock clock_;
  std::string line_;                            // being built; kept to reuse its memory
  std::time_t second_ = -1;                     // the second that time_ shows
  std::string time_;                            // up to the seconds
  std::map<std::string, std::string> awaited_;  // by host: the stage that was told last
};

}  // namespace mlops
