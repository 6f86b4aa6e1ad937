#include "deploy/remote_agent.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <sstream>
#include <vector>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "deploy/scripts.hpp"
#include "ssh/deadline.hpp"

namespace mlops {
namespace {

constexpr std::size_t skipped_limit = 64 << 10;  // of a login shell's output before ours
constexpr std::size_t line_limit = 8 << 10;
constexpr std::size_t shown_limit = 600;  // of the host's output, in a message
constexpr std::chrono::seconds first_answer{60};

std::string random_mark() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    throw system_error("cannot draw random bytes", errno);
  return fmt::format("mlops{:02x}", fmt::join(bytes, ""));
}

// The end of a text on one line, without terminal control characters.
std::string shown(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  const std::size_t from = text.find_first_not_of(' '), to = text.find_last_not_of(' ');
  if (from == std::string::npos) return "";
  text = text.substr(from, to - from + 1);
  return text.size() <= shown_limit ? text : "…" + text.substr(text.size() - shown_limit);
}

// The exchange on the channel until the program runs: our lines, each with the mark, and the archive in return.
class Conversation {
 public:
  Conversation(Channel& channel, std::string mark, const Cancellation& cancellation)
      : channel_(channel), mark_(std::move(mark) + " "), cancellation_(cancellation) {}

  // The words of the next line; empty at the end of the host's output. Reads no byte after the line.
  std::vector<std::string> next() {
    std::string seen;  // of the line, or of what precedes its mark
    bool marked = false;
    for (;;) {
      char block[4096];
      const std::size_t size = look(block, sizeof block);
      if (size == 0) return {};
      for (std::size_t used = 0; used < size;) {
        const char c = block[used++];
        seen += c;
        if (marked && c == '\n') {
          take(used);
          answered_ = true;
          return words_of(seen);
        }
        if (!marked && seen.ends_with(mark_)) {
          marked = true;
          seen.clear();
        }
        check_length(seen, marked);
      }
      take(size);
      if (!marked) before_ = seen;
    }
  }

  // False if the host stopped reading: its output so far is available from next().
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      wait_for(POLLOUT);
      const ssize_t n = ::send(channel_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // The host closed the channel: explains why, as far as known. Waits for the end.
  Error ended() {
    ::shutdown(channel_.fd(), SHUT_RDWR);
    const auto status = channel_.wait();
    if (!status)
      return Error("the connection was lost while mlops-agent was started there", ErrorKind::unavailable);
    const std::string said = shown(before_ + " " + channel_.complaints());
    const std::string words = said.empty() ? "it said nothing" : "it said: " + said;
    if (answered_)
      return Error(fmt::format("the host stopped in the middle of starting mlops-agent (exit status {}); {}",
                               *status, words),
                   ErrorKind::unavailable);
    return Error(fmt::format("the login shell there started no POSIX shell, sh, for us (exit status {}); {}",
                             *status, words),
                 ErrorKind::unavailable);
  }

 private:
  // Reads available bytes without consuming them.
  std::size_t look(char* block, std::size_t size) {
    for (;;) {
      wait_for(POLLIN);
      const ssize_t n = ::recv(channel_.fd(), block, size, MSG_PEEK | MSG_DONTWAIT);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno == ECONNRESET) return 0;
      if (errno != EINTR && errno != EAGAIN) throw system_error("cannot read from the host", errno);
    }
  }
  void take(std::size_t size) {
    char block[4096];
    static_cast<void>(::recv(channel_.fd(), block, size, 0));
  }
  void wait_for(short events) {
    for (;;) {
      pollfd fds[2] = {{channel_.fd(), events, 0}, {cancellation_.fd(), POLLIN, 0}};
      const int ready = ::poll(fds, 2, answered_ ? -1 : patience_.milliseconds_left());
      if (ready < 0 && errno != EINTR) throw system_error("cannot wait for the host", errno);
      cancellation_.check();
      if (ready > 0 && fds[0].revents) return;
      if (!answered_ && patience_.passed())
        throw Error(fmt::format("the login shell there did not start sh within {} s: {}", first_answer.count(),
                                before_.empty() ? "it said nothing" : "it said: " + shown(before_)),
                    ErrorKind::unavailable);
    }
  }
  void check_length(const std::string& seen, bool marked) const {
    if (seen.size() <= (marked ? line_limit : skipped_limit)) return;
    throw Error(fmt::format("the login shell there prints more than {} KiB before it runs a command: {}",
                            skipped_limit >> 10, shown(seen)),
                ErrorKind::unavailable);
  }
  static std::vector<std::string> words_of(const std::string& line) {
    std::istringstream text(line);
    std::vector<std::string> words;
    for (std::string word; text >> word;) words.push_back(std::move(word));
    if (words.empty()) words.emplace_back();
    return words;
  }

  Channel& channel_;
  const std::string mark_;
  const Cancellation& cancellation_;
  const Deadline patience_{first_answer};
  bool answered_ = false;
  std::string before_;  // output before the first line of ours
};

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words.begin() + 1, words.end(), " "));
}

class Start {
 public:
  Start(Connection& connection, const RemoteStart& start, const Cancellation& cancellation,
        const ProgressSink& progress)
      : start_(start), host_(connection.settings().name), progress_(progress), mark_(random_mark()) {
    result_.channel = connection.run(start_command(start.bundle, mark_, start.arguments));
    conversation_.emplace(*result_.channel, mark_, cancellation);
  }

  RemoteProgram run() {
    for (;;) {
      const std::vector<std::string> words = conversation_->next();
      if (words.empty()) throw conversation_->ended();
      if (words[0] == "ready") return std::move(result_);
      answer(words);
    }
  }

 private:
  void answer(const std::vector<std::string>& words) {
    const std::string& what = words[0];
    if (what == "missing" && words.size() == 3)
      send_script(words[1], words[2]);
    else if (what == "send" && bundle_)
      send_archive();
    else if (what == "tried" && tried_.size() < 20)
      tried_.push_back(shown(joined(words)));
    else if (what == "lacks")
      throw Error(
          fmt::format("the host lacks what unpacks mlops-agent there; install: {}", shown(joined(words))),
          ErrorKind::unavailable);
    else if (what == "nowhere")
      throw Error(fmt::format("there is no folder there to keep mlops-agent in and run it from; {}",
                              fmt::join(tried_, "; ")),
                  ErrorKind::unavailable);
    else
      throw Error("the host answers what is not understood: " + shown(what), ErrorKind::unavailable);
  }

  void send_script(const std::string& system, const std::string& machine) {
    if (system != "Linux")
      throw Error(fmt::format("it runs {}; mlops-agent manages Linux", shown(system)), ErrorKind::unavailable);
    bundle_ = machine == start_.bundle.architecture ? start_.bundle : start_.bundle_for(machine);
    const std::string script = unpack_script(*bundle_);
    conversation_->send(fmt::format("{}\n{}", script.size(), script));
  }

  void send_archive() {
    const Handle file(::open(bundle_->archive.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) throw system_error("reading " + bundle_->archive, errno);
    std::string block(256 << 10, '\0');
    for (std::uint64_t done = 0; done < bundle_->size;) {
      const ssize_t n = ::pread(file.get(), block.data(), block.size(), static_cast<off_t>(done));
      if (n <= 0) throw Error(bundle_->archive + " was changed while it was sent");
      const auto size = std::min(static_cast<std::uint64_t>(n), bundle_->size - done);
      if (!conversation_->send({block.data(), size})) return;
      done += size;
      result_.bytes_sent += size;
      if (progress_) progress_({"sending mlops-agent to " + host_, done, bundle_->size});
    }
    result_.sent = true;
  }

  const RemoteStart& start_;
  const std::string host_;
  const ProgressSink& progress_;
  const std::string mark_;
  RemoteProgram result_;
  std::optional<Conversation> conversation_;
  std::optional<Bundle> bundle_;  // the bundle that the host was asked to unpack
  std::vector<std::string> tried_;
};

}  // namespace

RemoteProgram start_remote_agent(Connection& connection, const RemoteStart& start,
                                 const Cancellation& cancellation, const ProgressSink& progress) {
  return Start(connection, start, cancellation, progress).run();
}

RemoteProgram start_remote_agent(Connection& connection, const Cancellation& cancellation,
                                 const ProgressSink& progress) {
  RemoteStart start;
  start.bundle = own_bundle(cancellation, progress);
  start.bundle_for = [&](const std::string& architecture) { return bundle_for(architecture, cancellation); };
  return start_remote_agent(connection, start, cancellation, progress);
}

}  // namespace mlops
