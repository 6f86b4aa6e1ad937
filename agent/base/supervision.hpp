// Supervises a child: its output, its time limit, the person's request to stop.
#pragma once

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "base/child.hpp"
#include "base/process.hpp"
#include "base/session_activity.hpp"

namespace mlops {

// Reads the outputs of a child until it has ended, and ends it on a timeout, a stall, or the person's request.
class Supervision {
 public:
  Supervision(const Command& command, const ProcessOptions& options, Child& child,
              std::vector<ChildOutput*> outputs)
      : command_(command), options_(options), child_(child), outputs_(std::move(outputs)) {
    if (command.timeout_ms) deadline_ = Clock::now() + Ms(command.timeout_ms);
    if (command.stall_ms) activity_.emplace(child.pid(), Ms(command.stall_ms));
  }

  void until_ended() {
    while (!step(next_wait())) {
      if (deadline_ && Clock::now() >= *deadline_) time_is_up();
      if (activity_ && stop_ == Stop::no && activity_->stands_still()) stalled_ = true, ask();
    }
    if (stop_ != Stop::no)
      child_.signal(SIGKILL);  // the rest of its group; the child itself was not waited for yet
    drain();
  }
  bool timed_out() const { return timed_out_; }
  bool stalled() const { return stalled_; }
  bool cancelled() const { return cancelled_; }

 private:
  using Clock = std::chrono::steady_clock;
  using Ms = std::chrono::milliseconds;
  static constexpr Ms term_to_kill{5000};
  // How long output is still read after the program ended, if a process that it left behind holds the pipe.
  static constexpr Ms quiet_after_exit{100};
  static constexpr Ms drain_at_most{2000};
  static constexpr Ms look_at_files_every{50};
  // The stage of ending the child.
  enum class Stop { no, asked, killed };

  // Waits for one event; true if the child has ended.
  bool step(int wait_ms) {
    std::vector<pollfd> fds = {{child_.fd(), POLLIN, 0}, {cancel_fd(), POLLIN, 0}};
    for (const ChildOutput* output : outputs_)
      fds.push_back({output->is_file ? -1 : output->ours.get(), POLLIN, 0});
    if (::poll(fds.data(), fds.size(), wait_ms) < 0 && errno != EINTR) throw system_error("cannot poll", errno);
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (outputs_[i]->is_file || fds[i + 2].revents) outputs_[i]->read();
    if (fds[1].revents) {
      cancelled_ = true;
      ask();
    }
    return fds[0].revents != 0;
  }
  int cancel_fd() const {
    const bool wanted = options_.cancellation && options_.on_cancel == ProcessOptions::OnCancel::interrupt;
    return wanted && !cancelled_ && stop_ == Stop::no ? options_.cancellation->fd() : -1;
  }
  int next_wait() const {
    std::optional<Ms> wait;
    if (deadline_) wait = std::max(std::chrono::ceil<Ms>(*deadline_ - Clock::now()), Ms(0));
    if (activity_ && stop_ == Stop::no)
      wait = std::min(wait.value_or(activity_->next_look()), activity_->next_look());
    for (const ChildOutput* output : outputs_)
      if (output->is_file) wait = std::min(wait.value_or(look_at_files_every), look_at_files_every);
    return wait ? static_cast<int>(std::min(*wait, Ms(3600000)).count()) : -1;
  }
  void time_is_up() {
    if (stop_ == Stop::no) {
      timed_out_ = true;
      ask();
    } else if (stop_ == Stop::asked) {
      stop_ = Stop::killed;
      deadline_ = Clock::now() + term_to_kill;
      child_.signal(SIGKILL);
    } else {
      child_.abandon();
      throw Error(fmt::format("{} could not be ended: it runs with other rights, or hangs in the kernel",
                              "`" + command_.argv.at(0) + "`"));
    }
  }
  void ask() {
    if (stop_ != Stop::no) return;
    stop_ = Stop::asked;
    deadline_ = Clock::now() + term_to_kill;
    child_.signal(SIGTERM);
  }
  // Output written before the end is still in the pipes. A process left behind may hold them open for ever.
  void drain() {
    const auto at_most = Clock::now() + drain_at_most;
    while (Clock::now() < at_most) {
      std::vector<pollfd> fds;
      for (ChildOutput* output : outputs_) {
        if (output->is_file)
          output->read();
        else if (output->ours)
          fds.push_back({output->ours.get(), POLLIN, 0});
      }
      if (fds.empty()) return;
      const int wait = static_cast<int>(quiet_after_exit.count());
      const int ready = ::poll(fds.data(), fds.size(), wait);
      if (ready == 0 || (ready < 0 && errno != EINTR)) return;
      for (ChildOutput* output : outputs_)
        if (!output->is_file) output->read();
    }
  }

  const Command& command_;
  const ProcessOptions& options_;
  Child& child_;
  std::vector<ChildOutput*> outputs_;
  std::optional<Clock::time_point> deadline_;
  std::optional<SessionActivity> activity_;
  Stop stop_ = Stop::no;
  bool timed_out_ = false, cancelled_ = false, stalled_ = false;
};

}  // namespace mlops
