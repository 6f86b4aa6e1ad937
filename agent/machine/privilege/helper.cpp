// The helper's side: serves requests with the privileges that it was started with.
#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

#include "base/backend.hpp"
#include "base/environment.hpp"
#include "base/frame.hpp"
#include "machine/privilege/piped.hpp"
#include "machine/privilege/requests.hpp"
#include "machine/run_lock.hpp"
#include "model/value_wire.hpp"

namespace mlops {
namespace {

using namespace privilege;

template <class T>
std::string encode(Frame kind, const T& value) {
  WireWriter w;
  Wire<Frame>::put(w, kind);
  Wire<T>::put(w, value);
  return std::move(w.bytes);
}

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

// Serves one caller. Each request has one overload of serve; its result is the reply.
class Helper {
 public:
  Helper(const ActingUser& who, uid_t person, int out, Cancellation& cancellation,
         const MakeJournals& make_journals)
      : who_(who),
        out_(out),
        cancellation_(cancellation),
        make_journals_(make_journals),
        settings_{who, "", cache_folder(who), person},
        inbox_(cancellation) {}

  // Until the end of input, or until the caller is gone.
  void run() {
    while (const auto request = inbox_.next()) {
      std::string reply;
      try {
        reply = std::visit([this](const auto& r) { return encode(Frame::result, serve(r)); }, *request);
      } catch (const Error& e) {
        reply = encode(Frame::error, e);
      } catch (const std::exception& e) {
        reply = encode(Frame::error, Error(e.what()));
      }
      try {
        send_frame(out_, reply);
      } catch (const Error&) {
        return;
      }
    }
  }

 private:
  Done serve(const Configure& request) {
    settings_.mirror = request.mirror;
    for (const auto& [name, value] : request.environment) ::setenv(name.c_str(), value.c_str(), 1);
    journal_.reset();
    machine_ =
        make_local_machine(settings_, cancellation_, [this](const Progress& p) { send(Frame::progress, p); });
    if (make_journals_) journals_ = make_journals_(request.journal);
    return true;
  }
  Done serve(const TakeLock& request) {
    lock_.emplace(
        settings_.cache_dir, request.playbook, cancellation_,
        [this](const Progress& p) { send(Frame::progress, p); }, std::chrono::milliseconds(request.wait_ms));
    inbox_.on_end([this] { lock_->finishing(); });
    return true;
  }
  PriorRunState serve(const OpenJournal& request) {
    if (!journals_) throw unconfigured();
    journal_ = journals_->of(who_, settings_.person, machine(),
                             [this](const std::string& text) { send(Frame::notice, text); });
    return journal_->open(request.run);
  }
  Errors serve(const PerformSteps& request) {
    if (request.purposes.size() != request.lists.size())
      throw Error("a message holds lists of different lengths");
    std::vector<Step> steps;
    for (std::size_t i = 0; i < request.lists.size(); ++i)
      steps.push_back({request.purposes[i], request.lists[i]});
    return perform_steps(steps, machine(), journal_.get());
  }
  Done serve(const Perform& request) {
    machine().perform(request.actions);
    return true;
  }
  Errors serve(const PerformTogether& request) {
    return machine().perform_together(
        std::vector<std::span<const Action>>(request.lists.begin(), request.lists.end()));
  }
  Done serve(const MarkRecovered& request) {
    if (journal_) journal_->mark_recovered(request.steps);
    return true;
  }
  Done serve(const Conclude& request) {
    if (journal_) journal_->conclude(request.outcome, "");
    journal_.reset();
    return true;
  }
  // Taken out by the inbox.
  Done serve(const Cancel&) { return true; }
  template <OneOf<AllQueries> Query>
  typename Query::Result serve(const Query& query) {
    return answer(query, machine());
  }

  static Error unconfigured() { return Error("the helper was asked before it was configured"); }
  // Other processes may have acted since the last request.
  Machine& machine() {
    if (!machine_) throw unconfigured();
    machine_->invalidate_caches();
    return *machine_;
  }
  template <class T>
  void send(Frame kind, const T& value) {
    try {
      send_frame(out_, encode(kind, value));
    } catch (const Error&) {
      // The caller is gone; running actions are finished all the same.
    }
  }

  const ActingUser& who_;
  const int out_;
  Cancellation& cancellation_;
  const MakeJournals& make_journals_;
  LocalSettings settings_;
  std::unique_ptr<Machine> machine_;
  std::optional<RunLock> lock_;
  std::unique_ptr<Journals> journals_;
  std::unique_ptr<Journal> journal_;
  Inbox inbox_;
};

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
  Helper(who, acting_user(person).uid, out, cancellation, make_journals).run();
  ::close(0);
  return 0;
}

}  // namespace mlops
