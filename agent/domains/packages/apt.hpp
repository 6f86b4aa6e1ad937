// Running apt's programs: to read, as anybody; to change, as root.
#pragma once

#include <string>
#include <vector>

#include "base/process.hpp"
#include "base/progress.hpp"

namespace mlops {

class Apt {
 public:
  // Where apt tells how far it is (APT::Status-Fd).
  static constexpr int status_fd = 3;

  Apt(ActingUser who, const Cancellation& cancellation, ProgressSink progress)
      : who_(std::move(who)), cancellation_(cancellation), progress_(std::move(progress)) {}
  ~Apt();
  Apt(const Apt&) = delete;
  Apt& operator=(const Apt&) = delete;

  // A program that only reads: no locks, stderr merged into the output. apt's cache of the index, which takes seconds
  // to make where it is missing or old, is kept in a temporary folder for as long as this lives: reading must not
  // write the machine's own.
  CommandResult read(std::vector<std::string> argv, std::function<void(std::string_view)> on_line = {}) const;

  // Any other program that only reads. Error when it cannot be started.
  CommandResult run(std::vector<std::string> argv) const;

  // A step of a transaction. stoppable: it ends when the person interrupts (a download); else it ends by itself
  // even when this process dies. total is how many bytes it downloads, where known. Error, with the output's
  // last lines, when it fails. Returns the output.
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
  mutable std::string scratch_;  // made when first needed; "" before
};

}  // namespace mlops
