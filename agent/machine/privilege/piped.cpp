// The caller's side of a helper.
#include "machine/privilege/piped.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/environment.hpp"
#include "base/frame.hpp"
#include "base/handle.hpp"
#include "base/own_executable.hpp"
#include "machine/privilege/requests.hpp"
#include "model/value_wire.hpp"

extern char** environ;

namespace mlops {
namespace {

using namespace privilege;

std::string read_rest(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0 && text.size() < (64u << 10);)
    text.append(buffer, static_cast<std::size_t>(n));
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

struct Pipe {
  Handle read, write;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
    read = Handle(ends[0]);
    write = Handle(ends[1]);
    // If this process was started with 0, 1 or 2 closed, the pipes must not take those numbers.
    for (Handle* end : {&read, &write})
      if (end->get() < 3) *end = Handle(::fcntl(end->get(), F_DUPFD_CLOEXEC, 3));
  }
};

// The command that starts the helper. With a password, sudo ignores cached credentials, so that it always reads
// it.
std::vector<std::string> helper_words(const HelperSettings& settings) {
  std::vector<std::string> words = settings.sudo;
  if (settings.password) words = {"sudo", "-S", "-k", "-p", ""};
  if (!words.empty()) words.emplace_back("--");
  for (const std::string& word : own_command()) words.push_back(word);
  words.insert(words.end(), {"helper", "--as", settings.user, "--person", settings.person});
  return words;
}

// A child process with pipes to it, and its stderr.
class Child {
 public:
  Child(std::vector<std::string> words, bool quiet) {
    Pipe in, out, err;
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, in.read.get(), 0);
    ::posix_spawn_file_actions_adddup2(&files, out.write.get(), 1);
    if (quiet) ::posix_spawn_file_actions_adddup2(&files, err.write.get(), 2);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int error = ::posix_spawnp(&pid_, argv[0], &files, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw Error("cannot start " + words[0] + ": " + std::strerror(error), ErrorKind::privilege);
    to = std::move(in.write);
    from = std::move(out.read);
    if (quiet) errors = std::move(err.read);
  }
  ~Child() { wait(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Closes its input, on which it finishes and exits.
  void wait() {
    to = Handle();
    if (pid_ < 0) return;
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }
  std::string last_words() { return errors ? read_rest(errors.get()) : std::string(); }
  // Valid after wait().
  bool succeeded() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }
  std::string how_it_ended() const {
    if (WIFSIGNALED(status_)) return fmt::format("was ended by signal {}", WTERMSIG(status_));
    return fmt::format("ended with exit status {}", WEXITSTATUS(status_));
  }

  Handle to, from, errors;

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

// sudo's message is kept for the error if sudo may not ask; if it may, the person reads it.
bool is_quiet(const HelperSettings& settings) {
  const auto& words = settings.sudo;
  return settings.password || std::find(words.begin(), words.end(), "-n") != words.end();
}

void write_line(int fd, std::string line) {
  line += '\n';
  if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw system_error("cannot hand the password to sudo", errno);
}

// The connection, shared by all readers of one piped machine. Not thread-safe.
class Link {
 public:
  Link(const HelperSettings& settings, const Cancellation& cancellation, ProgressSink progress)
      : child_(helper_words(settings), is_quiet(settings)),
        user_(settings.user),
        cancellation_(cancellation),
        progress_(std::move(progress)),
        tell_(settings.tell) {
    if (settings.password) write_line(child_.to.get(), *settings.password);
  }

  template <class R>
  typename R::Result call(const R& request) {
    WireWriter w;
    Wire<Request>::put(w, request);
    try {
      send_frame(child_.to.get(), w.bytes);
    } catch (const Error&) {
      ended();
    }
    for (;;) {
      wait();
      const auto frame = receive_frame(child_.from.get());
      if (!frame) ended();
      answered_ = true;
      WireReader r{*frame};
      Frame kind{};
      Wire<Frame>::get(r, kind);
      if (kind == Frame::error) throw Wire<Error>::get(r);
      if (kind == Frame::progress) {
        Progress p;
        Wire<Progress>::get(r, p);
        if (progress_) progress_(p);
        continue;
      }
      if (kind == Frame::notice) {
        std::string text;
        Wire<std::string>::get(r, text);
        if (tell_) tell_(text);
        continue;
      }
      using Reply = typename R::Result;
      Reply reply{};
      Wire<Reply>::get(r, reply);
      return reply;
    }
  }

 private:
  void wait() {
    for (;;) {
      pollfd fds[2] = {{child_.from.get(), POLLIN, 0}, {told_ ? -1 : cancellation_.fd(), POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) throw system_error("cannot wait for the helper", errno);
      if (fds[1].revents) {
        told_ = true;
        WireWriter w;
        Wire<Request>::put(w, Cancel{});
        try {
          send_frame(child_.to.get(), w.bytes);
        } catch (const Error&) {
          // It exited just now: the end of its output says why.
        }
      }
      if (fds[0].revents) return;
    }
  }
  [[noreturn]] void ended() {
    child_.from = Handle();
    const std::string words = child_.last_words();
    child_.wait();
    if (!answered_)
      throw Error(words.empty() ? "the helper " + child_.how_it_ended() : words, ErrorKind::privilege);
    throw Error(fmt::format("the helper that acts as {} {}", user_, child_.how_it_ended()));
  }

  Child child_;
  std::string user_;
  bool answered_ = false;
  const Cancellation& cancellation_;
  ProgressSink progress_;
  TellPerson tell_;
  bool told_ = false;
};

class PipedMachine : public AskedMachine<PipedMachine, HelperMachine> {
 public:
  PipedMachine(const HelperSettings& settings, const Cancellation& cancellation, ProgressSink progress)
      : link_(settings, cancellation, std::move(progress)) {
    link_.call(Configure{settings.mirror, settings.journal, handed_over(settings.user == settings.caller)});
  }
  void lock(const std::string& playbook, std::chrono::milliseconds wait) override {
    link_.call(TakeLock{playbook, static_cast<std::uint64_t>(wait.count())});
  }
  PriorRunState open_journal(const RunHeader& run) override { return link_.call(OpenJournal{run}); }
  Errors perform_steps(std::span<const Step> steps) override {
    PerformSteps request;
    for (const Step& step : steps) {
      request.purposes.push_back(step.purpose);
      request.lists.emplace_back(step.actions.begin(), step.actions.end());
    }
    return link_.call(request);
  }
  void mark_recovered(const std::vector<StepName>& steps) override { link_.call(MarkRecovered{steps}); }
  void conclude(const std::string& outcome) override { link_.call(Conclude{outcome}); }

  template <class Query>
  typename Query::Result ask(const Query& query) const {
    return link_.call(query);
  }

  void perform(std::span<const Action> actions) override {
    link_.call(Perform{{actions.begin(), actions.end()}});
  }
  Errors perform_together(std::span<const std::span<const Action>> lists) override {
    PerformTogether request;
    for (const auto& list : lists) request.lists.emplace_back(list.begin(), list.end());
    return link_.call(request);
  }

 private:
  mutable Link link_;
};

}  // namespace

bool sudo_accepts(const std::string& password, const HelperSettings& settings) {
  HelperSettings probe = settings;
  probe.password = password;
  std::vector<std::string> words = helper_words(probe);
  words.resize(words.size() - 5);
  words.emplace_back("--version");
  words.insert(words.begin(), {"env", "LC_ALL=C"});
  Child child(std::move(words), true);
  write_line(child.to.get(), password);
  child.to = Handle();
  const std::string said = child.last_words();
  child.wait();
  if (child.succeeded()) return true;
  if (said.find("incorrect password") != said.npos || said.find("no password was provided") != said.npos)
    return false;
  throw Error(said.empty() ? "sudo " + child.how_it_ended() : said, ErrorKind::privilege);
}

std::unique_ptr<HelperMachine> start_helper(const HelperSettings& settings, const Cancellation& cancellation,
                                            ProgressSink progress) {
  return std::make_unique<PipedMachine>(settings, cancellation, std::move(progress));
}

}  // namespace mlops
