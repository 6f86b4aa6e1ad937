#include "base/questions.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "base/handle.hpp"
#include "base/printable.hpp"

namespace mlops {
namespace {

// Restores the terminal's settings however the question ends.
class Silence {
 public:
  explicit Silence(int terminal) : terminal_(terminal) {
    known_ = ::tcgetattr(terminal, &before_) == 0;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (known_) ::tcsetattr(terminal, TCSAFLUSH, &silent);
  }
  ~Silence() {
    if (known_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  int terminal_;
  bool known_ = false;
  termios before_{};
};

// Makes each line printable: the text may come from a target.
std::string shown(std::string_view text) {
  std::string out;
  for (;;) {
    const auto end = text.find('\n');
    out += printable(text.substr(0, end), Tabs::keep);
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

void write_all(int fd, const std::string& text) {
  if (::write(fd, text.data(), text.size()) < 0) return;  // nobody can read the question, so nobody answers
}

}  // namespace

bool Questions::possible() { return static_cast<bool>(Handle(::open("/dev/tty", O_RDWR | O_CLOEXEC))); }

std::optional<std::string> Questions::ask(const std::string& text, bool echo) {
  const std::lock_guard lock(turn);
  return ask_now(text, echo);
}

std::optional<std::string> Questions::ask_now(const std::string& text, bool echo) {
  const Handle terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (!terminal) return std::nullopt;
  if (before_) before_();
  std::optional<Silence> silence;
  if (!echo) silence.emplace(terminal.get());
  write_all(terminal.get(), shown(text));
  std::string line;
  char c = 0;
  for (;;) {
    pollfd either[2] = {{terminal.get(), POLLIN, 0}, {cancellation_ ? cancellation_->fd() : -1, POLLIN, 0}};
    while (::poll(either, 2, -1) < 0 && errno == EINTR) {
    }
    if (either[1].revents) {
      if (!echo) write_all(terminal.get(), "\n");
      return std::nullopt;
    }
    const ssize_t n = ::read(terminal.get(), &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    if (c == '\n') break;
    line += c;
  }
  if (!echo) write_all(terminal.get(), "\n");
  return line;
}

std::optional<std::string> Questions::sudo_password(const std::string& user, const std::string& host,
                                                    bool again) {
  const std::lock_guard lock(turn);
  if (const auto known = sudo_.find(host); known != sudo_.end() && !again) return known->second;
  const auto typed = ask_now(
      fmt::format("{}[sudo] password for {} on {}: ", again ? "Sorry, try again.\n" : "", user, host), false);
  if (typed) sudo_[host] = *typed;
  return typed;
}

}  // namespace mlops
