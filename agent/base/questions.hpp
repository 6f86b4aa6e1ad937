// Asks the person at the terminal questions during a run.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/cancellation.hpp"

namespace mlops {

// Asks on the terminal itself (/dev/tty), so that redirections stay untouched. One question at a time in the
// whole process, whoever asks; thread-safe.
class Questions {
 public:
  // before is called before each question: the live line makes room.
  explicit Questions(std::function<void()> before) : before_(std::move(before)) {}
  virtual ~Questions() = default;

  // From now on an interruption ends a pending question; it must live as long as this.
  void heed(const Cancellation& cancellation) { cancellation_ = &cancellation; }

  // The line that was typed; absent if there is no terminal, or at the end of input (Ctrl-D). Without echo the
  // input is not shown.
  std::optional<std::string> ask(const std::string& text, bool echo);

  // sudo's password on a host, for that host only: returns the last one typed for it, unless again says that it
  // was wrong there.
  std::optional<std::string> sudo_password(const std::string& user, const std::string& host, bool again);

  static bool possible();

 protected:
  // One question, on the terminal.
  virtual std::optional<std::string> ask_now(const std::string& text, bool echo);

 private:
  std::function<void()> before_;
  const Cancellation* cancellation_ = nullptr;
  static inline std::mutex turn;             // on the one terminal
  std::map<std::string, std::string> sudo_;  // by host
};

}  // namespace mlops
