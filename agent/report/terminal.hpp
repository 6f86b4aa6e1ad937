// A run's events for people: one aligned line a resource, text diffs below it, a live line for each host on which
// something takes time, and a closing line.
#pragma once

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "model/event.hpp"
#include "report/paper.hpp"

namespace mlops {

struct TerminalOptions {
  std::FILE* out = nullptr;  // borrowed
  Paper paper{false, 0};
  bool live = false;     // out is a terminal: a line that is redrawn while something takes time
  bool quiet = false;    // neither resources that are ok nor those that are skipped
  bool verbose = false;  // every line, change and diff as a whole
  // For tests: the time. When given, the live line moves by calls of redraw alone.
  std::function<std::chrono::steady_clock::time_point()> clock = {};
};

// Everything that comes from outside is made printable. When out cannot be written to, lines are lost in
// silence. Called from one thread; a thread of its own (every signal blocked) moves the live line, and ends
// with the run.
class TerminalReport {
 public:
  explicit TerminalReport(TerminalOptions options);
  ~TerminalReport();
  TerminalReport(const TerminalReport&) = delete;
  TerminalReport& operator=(const TerminalReport&) = delete;

  void operator()(const Event& event);
  // Draws the live line, when what is being done has taken more than 100 ms and nothing was drawn for as long.
  void redraw();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Ticker;
  struct Doing {  // what the live line tells
    bool active = false;
    std::string label, doing;
    Time since{}, doing_since{};
    std::uint64_t first = 0, done = 0, total = 0;  // bytes; first: when doing began
  };
  struct Failed {
    std::string label;
    std::vector<std::string> skipped;  // labels of what was skipped because of it
  };

  void run_started(const RunStarted& e);
  void resources_known(const ResourcesKnown& e);
  void play_started(const PlayStarted& e);
  void resource_started(const ResourceStarted& e);
  void progress_made(const ProgressMade& e);
  void notice_given(const NoticeGiven& e);
  void resource_finished(const ResourceFinished& e);
  void run_finished(const RunFinished& e);

  Time now() const;
  std::string coloured(const char* code, std::string_view text) const { return paper_.coloured(code, text); }
  std::string resource_line(const ResourceFinished& e);
  void widen_columns(const std::string& label, const std::string& as);
  std::string what_changes(const ResourceFinished& e) const;
  std::string changes_text(const ResourceFinished& e) const;
  void hold(const ResourceFinished& e);
  void release();
  void note_failure(const ResourceFinished& e);
  void print_diff(const Change& change);
  void print_output(const std::string& output);
  void print_failures();
  void print(std::string_view line);
  void erase();
  std::string live_line(const std::string& host, const Doing& doing, Time at) const;
  std::string counted(const std::array<std::uint64_t, outcome_count>& counts) const;
  void print_hosts(const RunFinished& e);
  std::string in_host_column(const std::string& host) const;

  // Lines of the run's own: head, and text that wraps beneath its begin.
  void print_hanging(std::string_view head, std::string_view text) { print(paper_.hanging(head, text)); }

  TerminalOptions options_;
  const Paper& paper_ = options_.paper;
  std::mutex mutex_;  // of all below: the ticker draws
  std::string mode_;
  bool several_ = false;  // hosts: each line says which
  std::size_t host_width_ = 0;
  std::string play_;  // whose title was the last to be printed
  std::size_t label_width_ = 26, as_width_ = 6;
  std::vector<std::string> held_;  // lines of ok resources that may yet be told as one
  std::uint64_t held_count_ = 0;
  Time held_since_{};
  std::vector<Failed> failed_;
  std::uint64_t known_ = 0, told_ = 0;  // resources of the run, and how many of them ended; known_ 0: not known yet
  Time began_{};
  std::map<std::string, Doing> doing_;  // by host
  std::size_t drawn_ = 0;               // live lines that are on the screen
  Time drawn_at_{};
  std::size_t spin_ = 0;
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace mlops
