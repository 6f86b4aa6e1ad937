// Questions to the person at the terminal, while a run goes on.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/cancellation.hpp"

namespace mlops {

// Asks on the terminal itself (/dev/tty), so that redirections stay what they are. One question at a time; safe to
// use from several threads.
class Questions {
 public:
  // before is called ahead of each question: the live line makes room.
  explicit Questions(std::function<void()> before) : before_(std::move(before)) {}
  virtual ~Questions() = default;

  // From now on an interruption ends a question that is asked; it must live as long as this.
  void heed(const Cancellation& cancellation) { cancellation_ = &cancellation; }

  // The line that was typed; absent where there is no terminal, or it was ended (Ctrl-D). Without echo what is typed
  // is not shown.
  std::optional<std::string> ask(const std::string& text, bool echo);

  // sudo's password on a host, for that host alone: what was typed for it, until again says that it was wrong there.
  std::optional<std::string> sudo_password(const std::string& user, const std::string& host, bool again);

  static bool possible();

 protected:
  // One question, on the terminal.
  virtual std::optional<std::string> ask_now(const std::string& text, bool echo);

 private:
  std::function<void()> before_;
  const Cancellation* cancellation_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, std::string> sudo_;  // by host
};

}  // namespace mlops
