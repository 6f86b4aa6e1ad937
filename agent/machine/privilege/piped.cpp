#include "machine/privilege/piped.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "base/backend.hpp"
#include "base/environment.hpp"
#include "base/frame.hpp"
#include "base/handle.hpp"
#include "base/own_executable.hpp"
#include "machine/run_lock.hpp"
#include "model/value_wire.hpp"

extern char** environ;

namespace mlops {
namespace {

// ---- requests and their replies --------------------------------------------------------------

struct ViewFile {
  std::string path;
  std::uint64_t limit;
};
struct ListFolder {
  std::string path;
};
struct ResolvePath {
  std::string path;
};
struct DigestFile {
  std::string path;
};
struct ReadGrants {
  std::string path;
};
struct ReadUser {
  std::string name;
};
struct ReadGroup {
  std::string name;
};
struct ReadUserById {
  std::uint32_t uid;
};
struct ReadGroupById {
  std::uint32_t gid;
};
struct ReadPackage {
  std::string name;
};
struct ReadInterrupted {};
struct ReadIndexAge {};
struct ReadCandidate {
  std::string name;
};
struct ForecastInstall {
  std::vector<std::string> wanted;
};
struct ForecastRemoval {
  std::vector<std::string> names;
};
struct ReadSimilar {
  std::string name;
};
struct ReadPurgeLoss {
  std::string name;
};
struct ReadIndexOutdated {};
struct ReadContents {
  std::string name, version;
};
struct ReadUnneeded {
  std::vector<std::string> names;
};
struct ReadLog {
  std::string name;
  std::uint64_t since_us;
};
struct ReadUnit {
  std::string name;
};
struct RunGuard {
  Command command;
};
struct ReadPublished {
  std::string url, file_name;
  std::uint64_t timeout_ms;
};
struct ReadProved {
  std::string path, url, sha256_url;
};
struct ReadUnchanged {
  std::string path, url;
  std::uint64_t timeout_ms;
};
struct ReadMirrored {
  std::string url;
};
struct ReadTunnel {
  std::string name;
};
struct ReadListener {
  Endpoint place;
};
struct ReadListenerAt {
  std::string address;
  std::uint16_t port;
};
struct AskHttp {
  HttpGet get;
};
struct Perform {
  std::vector<Action> actions;
};
struct PerformTogether {
  std::vector<std::vector<Action>> lists;
};
struct PerformSteps {
  std::vector<StepInfo> purposes;
  std::vector<std::vector<Action>> lists;
};
struct Configure {
  std::string mirror;
  JournalOptions journal;
  std::map<std::string, std::string> environment;
};
struct TakeLock {
  std::string playbook;
  std::uint64_t wait_ms;
};
struct OpenJournal {
  RunHeader run;
};
struct Heal {
  std::vector<StepName> steps;
};
struct Conclude {
  std::string outcome;
};
struct Cancel {};

using Request =
    std::variant<ViewFile, ListFolder, ResolvePath, DigestFile, ReadGrants, ReadUser, ReadGroup, ReadUserById,
                 ReadGroupById, ReadPackage, ReadInterrupted, ReadIndexAge, ReadCandidate, ForecastInstall,
                 ForecastRemoval, ReadSimilar, ReadPurgeLoss, ReadIndexOutdated, ReadContents, ReadUnneeded,
                 ReadUnit, ReadLog, RunGuard, ReadPublished, ReadProved, ReadUnchanged, ReadMirrored,
                 ReadTunnel, ReadListener, ReadListenerAt, AskHttp, Perform, PerformTogether, PerformSteps,
                 Configure, TakeLock, OpenJournal, Heal, Conclude, Cancel>;

using Done = bool;  // the reply of requests without a result
using Errors = std::vector<std::optional<Error>>;

auto answer(Machine& m, const ViewFile& r) { return m.files().view(r.path, r.limit); }
auto answer(Machine& m, const ListFolder& r) { return m.files().list(r.path); }
auto answer(Machine& m, const ResolvePath& r) { return m.files().resolve(r.path); }
auto answer(Machine& m, const DigestFile& r) { return m.files().sha256(r.path); }
auto answer(Machine& m, const ReadGrants& r) { return m.files().grants(r.path); }
auto answer(Machine& m, const ReadUser& r) { return m.accounts().user(r.name); }
auto answer(Machine& m, const ReadGroup& r) { return m.accounts().group(r.name); }
auto answer(Machine& m, const ReadUserById& r) { return m.accounts().user_by_uid(r.uid); }
auto answer(Machine& m, const ReadGroupById& r) { return m.accounts().group_by_gid(r.gid); }
auto answer(Machine& m, const ReadPackage& r) { return m.packages().installed(r.name); }
auto answer(Machine& m, const ReadInterrupted&) { return m.packages().interrupted(); }
auto answer(Machine& m, const ReadIndexAge&) { return m.packages().index_age(); }
auto answer(Machine& m, const ReadCandidate& r) { return m.packages().candidate(r.name); }
auto answer(Machine& m, const ForecastInstall& r) { return m.packages().forecast_install(r.wanted); }
auto answer(Machine& m, const ForecastRemoval& r) { return m.packages().forecast_removal(r.names); }
auto answer(Machine& m, const ReadSimilar& r) { return m.packages().similar(r.name); }
auto answer(Machine& m, const ReadPurgeLoss& r) { return m.packages().purge_loss(r.name); }
auto answer(Machine& m, const ReadIndexOutdated&) { return m.packages().index_outdated(); }
auto answer(Machine& m, const ReadContents& r) { return m.packages().contents(r.name, r.version); }
auto answer(Machine& m, const ReadUnneeded& r) { return m.packages().unneeded_without(r.names); }
auto answer(Machine& m, const ReadLog& r) { return m.services().log_since(r.name, r.since_us); }
auto answer(Machine& m, const ReadUnit& r) { return m.services().unit(r.name); }
auto answer(Machine& m, const RunGuard& r) { return m.commands().run(r.command); }
auto answer(Machine& m, const ReadPublished& r) {
  return m.downloads().published_sha256(r.url, r.file_name, r.timeout_ms);
}
auto answer(Machine& m, const ReadProved& r) { return m.downloads().proved(r.path, r.url, r.sha256_url); }
auto answer(Machine& m, const ReadUnchanged& r) { return m.downloads().unchanged(r.path, r.url, r.timeout_ms); }
auto answer(Machine& m, const ReadMirrored& r) { return m.downloads().mirrored(r.url); }
auto answer(Machine& m, const ReadTunnel& r) { return m.tunnels().tunnel(r.name); }
auto answer(Machine& m, const ReadListener& r) { return m.tunnels().listener(r.place); }
auto answer(Machine& m, const ReadListenerAt& r) { return m.network().listener_at(r.address, r.port); }
auto answer(Machine& m, const AskHttp& r) { return m.network().http_status(r.get); }
Done answer(Machine& m, const Perform& r) {
  m.perform(r.actions);
  return true;
}
Errors answer(Machine& m, const PerformTogether& r) {
  return m.perform_together(std::vector<std::span<const Action>>(r.lists.begin(), r.lists.end()));
}
// Answered by the helper itself rather than its machine.
Errors answer(Machine&, const PerformSteps&) { return {}; }
Done answer(Machine&, const Configure&) { return true; }
Done answer(Machine&, const TakeLock&) { return true; }
PriorRunState answer(Machine&, const OpenJournal&) { return {}; }
Done answer(Machine&, const Heal&) { return true; }
Done answer(Machine&, const Conclude&) { return true; }
Done answer(Machine&, const Cancel&) { return true; }

template <class R>
using ReplyTo = decltype(answer(std::declval<Machine&>(), std::declval<const R&>()));

enum class Frame : std::uint8_t { result, error, progress, notice };

template <class T>
std::string encode(Frame kind, const T& value) {
  WireWriter w;
  Wire<Frame>::put(w, kind);
  Wire<T>::put(w, value);
  return std::move(w.bytes);
}

// ---- the caller's side --------------------------------------------------------------------------------------

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
  ReplyTo<R> call(const R& request) {
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
      ReplyTo<R> reply{};
      Wire<ReplyTo<R>>::get(r, reply);
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
          // It exited just now: the end of its output tells why.
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

class PipedMachine : public HelperMachine,
                     FileReader,
                     AccountReader,
                     PackageReader,
                     ServiceReader,
                     CommandReader,
                     DownloadReader,
                     TunnelReader,
                     NetworkReader {
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
  void mark_recovered(const std::vector<StepName>& steps) override { link_.call(Heal{steps}); }
  void conclude(const std::string& outcome) override { link_.call(Conclude{outcome}); }

  const FileReader& files() const override { return *this; }
  const AccountReader& accounts() const override { return *this; }
  const PackageReader& packages() const override { return *this; }
  const ServiceReader& services() const override { return *this; }
  const CommandReader& commands() const override { return *this; }
  const DownloadReader& downloads() const override { return *this; }
  const TunnelReader& tunnels() const override { return *this; }
  const NetworkReader& network() const override { return *this; }

  void perform(std::span<const Action> actions) override {
    link_.call(Perform{{actions.begin(), actions.end()}});
  }
  Errors perform_together(std::span<const std::span<const Action>> lists) override {
    PerformTogether request;
    for (const auto& list : lists) request.lists.emplace_back(list.begin(), list.end());
    return link_.call(request);
  }

 private:
  std::optional<FileView> view(const std::string& path, std::uint64_t limit) const override {
    return link_.call(ViewFile{path, limit});
  }
  std::optional<std::vector<std::string>> list(const std::string& path) const override {
    return link_.call(ListFolder{path});
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    return link_.call(ResolvePath{path});
  }
  std::optional<std::string> sha256(const std::string& path) const override {
    return link_.call(DigestFile{path});
  }
  std::optional<Grants> grants(const std::string& path) const override { return link_.call(ReadGrants{path}); }
  std::optional<UserAccount> user(const std::string& name) const override { return link_.call(ReadUser{name}); }
  std::optional<GroupAccount> group(const std::string& name) const override {
    return link_.call(ReadGroup{name});
  }
  std::optional<UserAccount> user_by_uid(std::uint32_t uid) const override {
    return link_.call(ReadUserById{uid});
  }
  std::optional<GroupAccount> group_by_gid(std::uint32_t gid) const override {
    return link_.call(ReadGroupById{gid});
  }
  std::optional<InstalledPackage> installed(const std::string& name) const override {
    return link_.call(ReadPackage{name});
  }
  bool interrupted() const override { return link_.call(ReadInterrupted{}); }
  std::optional<std::uint64_t> index_age() const override { return link_.call(ReadIndexAge{}); }
  std::optional<std::string> candidate(const std::string& name) const override {
    return link_.call(ReadCandidate{name});
  }
  Forecast forecast_install(const std::vector<std::string>& wanted) const override {
    return link_.call(ForecastInstall{wanted});
  }
  Forecast forecast_removal(const std::vector<std::string>& names) const override {
    return link_.call(ForecastRemoval{names});
  }
  std::vector<std::string> similar(const std::string& name) const override {
    return link_.call(ReadSimilar{name});
  }
  PurgeLoss purge_loss(const std::string& name) const override { return link_.call(ReadPurgeLoss{name}); }
  bool index_outdated() const override { return link_.call(ReadIndexOutdated{}); }
  std::optional<std::vector<PackagedPath>> contents(const std::string& name,
                                                    const std::string& version) const override {
    return link_.call(ReadContents{name, version});
  }
  std::vector<std::string> unneeded_without(const std::vector<std::string>& names) const override {
    return link_.call(ReadUnneeded{names});
  }
  Unit unit(const std::string& name) const override { return link_.call(ReadUnit{name}); }
  std::string log_since(const std::string& name, std::uint64_t since_us) const override {
    return link_.call(ReadLog{name, since_us});
  }
  CommandResult run(const Command& command) const override { return link_.call(RunGuard{command}); }
  std::string published_sha256(const std::string& url, const std::string& file_name,
                               std::uint64_t timeout_ms) const override {
    return link_.call(ReadPublished{url, file_name, timeout_ms});
  }
  std::optional<std::string> proved(const std::string& path, const std::string& url,
                                    const std::string& sha256_url) const override {
    return link_.call(ReadProved{path, url, sha256_url});
  }
  bool unchanged(const std::string& path, const std::string& url, std::uint64_t timeout_ms) const override {
    return link_.call(ReadUnchanged{path, url, timeout_ms});
  }
  std::optional<std::string> mirrored(const std::string& url) const override {
    return link_.call(ReadMirrored{url});
  }
  std::optional<TunnelView> tunnel(const std::string& name) const override {
    return link_.call(ReadTunnel{name});
  }
  std::optional<std::string> listener(const Endpoint& place) const override {
    return link_.call(ReadListener{place});
  }
  std::optional<Listener> listener_at(const std::string& address, std::uint16_t port) const override {
    return link_.call(ReadListenerAt{address, port});
  }
  std::optional<int> http_status(const HttpGet& get) const override { return link_.call(AskHttp{get}); }

  mutable Link link_;
};

// ---- the helper's side --------------------------------------------------------------------------------------

// Requests as they come, read on a thread of their own so that a stop request is noticed while an action runs.
class Inbox {
 public:
  explicit Inbox(Cancellation& cancellation) : cancellation_(cancellation), thread_([this] { read(); }) {}
  ~Inbox() { thread_.join(); }
  // Absent at the end of input.
  std::optional<Request> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !requests_.empty(); });
    if (requests_.empty()) return std::nullopt;
    Request request = std::move(requests_.front());
    requests_.pop_front();
    return request;
  }
  // Called at the end of input, on the reading thread.
  void on_end(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    on_end_ = std::move(work);
  }

 private:
  void read() {
    try {
      while (const auto frame = receive_frame(0)) {
        Request request;
        WireReader r{*frame};
        Wire<Request>::get(r, request);
        if (std::holds_alternative<Cancel>(request)) {
          cancellation_.cancel();
          continue;
        }
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
        changed_.notify_one();
      }
    } catch (const std::exception&) {
      // An invalid request ends the connection, like the end of input.
    }
    cancellation_.cancel();
    const std::lock_guard lock(mutex_);
    if (on_end_) on_end_();
    requests_.clear();
    ended_ = true;
    changed_.notify_one();
  }
  Cancellation& cancellation_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> requests_;
  std::function<void()> on_end_;
  bool ended_ = false;
  std::thread thread_;
};

void become(const ActingUser& who) {
  if (::geteuid() == 0 && who.uid != 0) {
    for (const char* roots : {"XDG_CACHE_HOME", "XDG_STATE_HOME"}) ::unsetenv(roots);
    if (::initgroups(who.name.c_str(), who.gid) != 0 || ::setgid(who.gid) != 0 || ::setuid(who.uid) != 0)
      throw system_error("cannot become " + who.name, errno);
  }
  if (::geteuid() != who.uid) throw Error("cannot become " + who.name, ErrorKind::privilege);
}

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

namespace {

Errors perform(const PerformSteps& request, Machine& machine, Journal* journal) {
  if (request.purposes.size() != request.lists.size())
    throw Error("a message holds lists of different lengths");
  std::vector<Step> steps;
  for (std::size_t i = 0; i < request.lists.size(); ++i)
    steps.push_back({request.purposes[i], request.lists[i]});
  return perform_steps(steps, machine, journal);
}

}  // namespace

int serve_helper(const std::string& user, const std::string& person, const MakeJournals& make_journals) {
  for (const int ignored : {SIGINT, SIGQUIT, SIGHUP, SIGPIPE}) std::signal(ignored, SIG_IGN);
  const ActingUser who = acting_user(user);
  become(who);
  if (::chdir("/") != 0) throw system_error("cannot go to /", errno);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int out = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
  ::dup2(null, 1);
  ::dup2(null, 2);  // releases the pipe that captured sudo's messages

  Cancellation cancellation;
  std::unique_ptr<Machine> machine;
  std::optional<RunLock> lock;
  const auto progress = [&](const Progress& p) {
    try {
      send_frame(out, encode(Frame::progress, p));
    } catch (const Error&) {
      // The caller is gone; running actions are finished all the same.
    }
  };
  const auto tell = [&](const std::string& text) {
    try {
      send_frame(out, encode(Frame::notice, text));
    } catch (const Error&) {
    }
  };
  LocalSettings settings{who, "", cache_folder(who), acting_user(person).uid};
  std::unique_ptr<Journals> journals;
  std::unique_ptr<Journal> journal;
  Inbox inbox(cancellation);
  while (const auto request = inbox.next()) {
    std::string reply;
    try {
      reply = std::visit(overloaded{[&](const Configure& c) {
                                      settings.mirror = c.mirror;
                                      for (const auto& [name, value] : c.environment)
                                        ::setenv(name.c_str(), value.c_str(), 1);
                                      journal.reset();
                                      machine = make_local_machine(settings, cancellation, progress);
                                      if (make_journals) journals = make_journals(c.journal);
                                      return encode(Frame::result, Done{true});
                                    },
                                    [&](const TakeLock& l) {
                                      lock.emplace(settings.cache_dir, l.playbook, cancellation, progress,
                                                   std::chrono::milliseconds(l.wait_ms));
                                      inbox.on_end([&] { lock->finishing(); });
                                      return encode(Frame::result, Done{true});
                                    },
                                    [&](const OpenJournal& o) {
                                      if (!machine || !journals)
                                        throw Error("the helper was asked before it was configured");
                                      journal = journals->of(who, settings.person, *machine, tell);
                                      return encode(Frame::result, journal->open(o.run));
                                    },
                                    [&](const PerformSteps& p) {
                                      if (!machine)
                                        throw Error("the helper was asked before it was configured");
                                      machine->invalidate_caches();
                                      return encode(Frame::result, perform(p, *machine, journal.get()));
                                    },
                                    [&](const Heal& h) {
                                      if (journal) journal->mark_recovered(h.steps);
                                      return encode(Frame::result, Done{true});
                                    },
                                    [&](const Conclude& c) {
                                      if (journal) journal->conclude(c.outcome, "");
                                      journal.reset();
                                      return encode(Frame::result, Done{true});
                                    },
                                    [&](const auto& r) {
                                      if (machine)
                                        machine->invalidate_caches();  // other processes have acted since
                                      if (!machine)
                                        throw Error("the helper was asked before it was configured");
                                      return encode(Frame::result, answer(*machine, r));
                                    }},
                         *request);
    } catch (const Error& e) {
      reply = encode(Frame::error, e);
    } catch (const std::exception& e) {
      reply = encode(Frame::error, Error(e.what()));
    }
    try {
      send_frame(out, reply);
    } catch (const Error&) {
      break;
    }
  }
  ::close(0);
  return 0;
}

}  // namespace mlops
