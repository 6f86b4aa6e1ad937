// The lines below a report that say what takes long: one a host, redrawn in place.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "model/event.hpp"
#include "report/paper.hpp"

namespace mlops {

// Not thread-safe. Without a terminal nothing is to be started here.
class LiveLines {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Before an operation is shown as slow, and between redraws.
  static constexpr std::chrono::milliseconds patience{100};

  // How far the run has come, for the lines of a run on one host.
  struct Standing {
    bool several = false;  // hosts: each line names its own
    std::uint64_t known = 0,
                  told = 0;  // resources of the run, and those that are finished; known 0: not known yet
    Time began{};
  };

  // Both must outlive it.
  LiveLines(std::FILE* out, const Paper& paper) : out_(out), paper_(paper) {}

  void start(const std::string& host, const std::string& label, Time at);
  void progress(const ProgressMade& made, Time at);
  void end(const std::string& host) { doing_.erase(host); }
  void end_all() { doing_.clear(); }

  // Whether something has taken longer than patience, and nothing was drawn for as long.
  bool is_due(Time at) const;
  void draw(const Standing& standing, Time at);
  // Takes them off the screen, before another line is printed.
  void erase();

 private:
  struct Doing {
    bool active = false;
    std::string label, doing;
    Time since{}, doing_since{};
    std::uint64_t first = 0, done = 0, total = 0;  // bytes; first: at the start
  };
  std::size_t slow(Time at) const;
  std::string line_of(const std::string& host, const Doing& doing, const Standing& standing, Time at) const;

  std::FILE* out_;
  const Paper& paper_;
  std::map<std::string, Doing> doing_;  // by host
  std::size_t drawn_ = 0;               // lines on the screen
  Time drawn_at_{};
  std::size_t spin_ = 0;
};

}  // namespace mlops
