// Runs apt's programs: reading as any user, changing as root.
#pragma once

#include <string>
#include <vector>

#include "base/process.hpp"
#include "base/progress.hpp"

namespace mlops {

class Apt {
 public:
  // Where apt reports its progress (APT::Status-Fd).
  static constexpr int status_fd = 3;

  Apt(ActingUser who, const Cancellation& cancellation, ProgressSink progress)
      : who_(std::move(who)), cancellation_(cancellation), progress_(std::move(progress)) {}
  ~Apt();
  Apt(const Apt&) = delete;
  Apt& operator=(const Apt&) = delete;

  // A program that only reads: no locks, stderr merged into the output. apt's cache of the index, which takes
  // seconds to build if it is missing or old, is kept in a temporary folder for as long as this lives: reading
  // must not write to the machine's own.
  CommandResult read(std::vector<std::string> argv, std::function<void(std::string_view)> on_line = {}) const;

  // Any other program that only reads. Error if it cannot be started.
  CommandResult run(std::vector<std::string> argv) const;

  // A step of a transaction. stoppable: it ends when the person interrupts (a download); else it runs to its
  // end even if this process dies. total: bytes to download, if known. Error, with the output's last lines, if
  // it fails. Returns the output.
  std::string change(const std::string& doing, std::vector<std::string> argv, bool stoppable,
                     std::uint64_t total = 0) const;

  const Cancellation& cancellation() const { return cancellation_; }
  const ProgressSink& progress() const { return progress_; }

 private:
  Command command(std::vector<std::string> argv) const;
  const std::string& scratch() const;

  ActingUser who_;
  const Cancellation& cancellation_;
  ProgressSink progress_;
  mutable std::string scratch_;  // created on first use; "" before
};

}  // namespace mlops
