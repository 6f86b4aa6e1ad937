// A run's events for people: one aligned line per resource, text diffs below it, a live line for each host with
// a slow operation, and a closing line.
#pragma once

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "model/event.hpp"
#include "report/live_lines.hpp"
#include "report/paper.hpp"

namespace mlops {

struct TerminalOptions {
  std::FILE* out = nullptr;  // borrowed
  Paper paper{false, 0};
  bool live = false;     // out is a terminal: a line that is redrawn during slow operations
  bool quiet = false;    // neither ok nor skipped resources are shown
  bool verbose = false;  // every line, change and diff in full
  // For tests: the time. If given, only calls of redraw update the live line.
  std::function<std::chrono::steady_clock::time_point()> clock = {};
};

// All text from outside is made printable. If out cannot be written to, lines are dropped silently. Called from
// one thread; a separate thread (every signal blocked) updates the live lines, and ends with the run.
class TerminalReport {
 public:
  explicit TerminalReport(TerminalOptions options);
  ~TerminalReport();
  TerminalReport(const TerminalReport&) = delete;
  TerminalReport& operator=(const TerminalReport&) = delete;

  void operator()(const Event& event);
  // Draws the live line, if the operation has taken more than 100 ms and nothing was drawn for as long.
  void redraw();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Ticker;
  struct Failed {
    std::string label;
    std::vector<std::string> skipped;  // labels of resources that were skipped because of it
  };

  void run_started(const RunStarted& e);
  void resources_known(const ResourcesKnown& e);
  void play_started(const PlayStarted& e);
  void resource_started(const ResourceStarted& e);
  void release_terminal();
  void progress_made(const ProgressMade& e);
  void notice_given(const NoticeGiven& e);
  void account_used(const AccountUsed& e);
  void resource_finished(const ResourceFinished& e);
  void run_finished(const RunFinished& e);

  Time now() const;
  std::string coloured(const char* code, std::string_view text) const { return paper_.coloured(code, text); }
  std::string resource_line(const ResourceFinished& e);
  void widen_columns(const std::string& label, const std::string& as);
  std::string what_changes(const ResourceFinished& e) const;
  std::string changes_text(const ResourceFinished& e) const;
  void hold(const ResourceFinished& e);
  void release_if_due(Time at);
  void release();
  void note_failure(const ResourceFinished& e);
  void print_diff(const Change& change);
  void print_output(const std::string& output);
  void print_failures();
  void print(std::string_view line);
  std::string counted(const std::array<std::uint64_t, outcome_count>& counts) const;
  void print_hosts(const RunFinished& e);
  std::string in_host_column(const std::string& host) const;

  // The run's own lines: head, and text that wraps under its start.
  void print_hanging(std::string_view head, std::string_view text) { print(paper_.hanging(head, text)); }

  TerminalOptions options_;
  const Paper& paper_ = options_.paper;
  std::mutex mutex_;  // guards everything below: the ticker draws
  std::string mode_;
  bool several_ = false;  // several hosts: each line names its host
  std::size_t host_width_ = 0;
  std::string play_;  // the last printed play title
  std::size_t label_width_ = 26, as_width_ = 6;
  std::vector<std::string> held_;  // lines of ok resources that may still be merged into one
  std::uint64_t held_count_ = 0;
  Time held_since_{};
  std::vector<Failed> failed_;
  // resources of the run, and how many of them are finished; known_ 0: not known yet
  std::uint64_t known_ = 0, told_ = 0;
  Time began_{};
  LiveLines live_{options_.out, paper_};
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace mlops
