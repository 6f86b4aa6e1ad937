// The helper of the real program at the other end of a pipe.
#include "machine/privilege/piped.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <random>
#include <thread>

#include "base/person.hpp"
#include "machine/run_lock.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/listening_socket.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

// env(1) in the place of sudo: it starts what is not this test but the agent.
struct Helper {
  Cancellation cancellation;
  std::vector<std::string> heard;
  std::unique_ptr<HelperMachine> machine;
  explicit Helper(const std::string& user = effective_person().name) {
    const std::string me = effective_person().name;
    machine = start_helper({user, me, {"sh", "-c", R"(shift 2; exec ")" AGENT R"(" "$@")", "sh"}, me, ""},
                           cancellation, [this](const Progress& p) { heard.push_back(p.doing); });
  }
  HelperMachine* operator->() { return machine.get(); }
};

// A helper spoken to byte by byte.
struct RawHelper {
  int to = -1, from = -1;
  pid_t pid = -1;
  RawHelper() {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const std::string user = effective_person().name;
    pid = ::fork();
    if (pid == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execl(AGENT, AGENT, "helper", "--as", user.c_str(), "--person", user.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to = in[1];
    from = out[0];
  }
  void say(const std::string& bytes) const { static_cast<void>(!::write(to, bytes.data(), bytes.size())); }
  // Its wait status after the end of its input; -1 when it had to be ended after a minute.
  int end() {
    ::close(to);
    int status = -1;
    for (int i = 0; i < 6000; ++i) {
      if (::waitpid(pid, &status, WNOHANG) == pid) {
        ::close(from);
        return status;
      }
      ::poll(nullptr, 0, 10);
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    ::close(from);
    return -1;
  }
};

std::string framed(const std::string& payload) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + payload;
}

template <class Work>
Error error_of(Work work) {
  try {
    work();
  } catch (const Error& e) {
    return e;
  }
  return Error("no error");
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

std::vector<std::span<const Action>> spans(const std::vector<std::vector<Action>>& lists) {
  return {lists.begin(), lists.end()};
}

}  // namespace

TEST_CASE("a helper answers as the machine itself does") {
  const TemporaryFolder t;
  t.file("f", std::string("a\0b", 3), 0640);
  t.link("l", "f");
  const ActingUser me = acting_user(effective_person().name);
  const Cancellation none;
  const auto local = make_local_machine({me, "", t / "cache", me.uid}, none, [](const Progress&) {});
  {
    Helper h;
    CHECK(h->files().view(t / "f", 100)->status == local->files().view(t / "f", 100)->status);
    CHECK(h->files().view(t / "f", 100)->content == std::string("a\0b", 3));
    CHECK_FALSE(h->files().view(t / "f", 2)->content);
    CHECK(h->files().view(t / "l", 0)->target == "f");
    CHECK_FALSE(h->files().view(t / "gone", 0));
    CHECK(h->files().list(t / "") == std::vector<std::string>{"f", "l"});
    CHECK_FALSE(h->files().list(t / "gone"));
    CHECK(h->files().resolve(t / "l") == t / "f");
    CHECK(h->files().sha256(t / "l") == local->files().sha256(t / "f"));
    CHECK(h->accounts().user("root")->home == local->accounts().user("root")->home);
    CHECK(h->accounts().user_by_uid(0)->name == "root");
    CHECK(h->accounts().group("root")->gid == 0u);
    CHECK(h->accounts().group_by_gid(0)->name == "root");
    CHECK_FALSE(h->accounts().user("no-such-user"));
    CHECK(h->packages().installed("no-such-package").has_value() == false);
    CHECK(h->packages().interrupted() == local->packages().interrupted());
    CHECK(h->packages().index_age().has_value() == local->packages().index_age().has_value());
    CHECK(h->downloads().mirrored("https://example.org/x") == std::nullopt);
    CHECK(h->downloads().unchanged(t / "gone", "https://example.org/x", 0) == false);
    CHECK(h->downloads().proved(t / "f", "https://example.org/x", "") == std::nullopt);
    const ListeningSocket socket(AF_INET, "127.0.0.1");
    CHECK(h->network().listener_at("127.0.0.1", socket.port())->pid == ::getpid());
    CHECK_FALSE(h->network().http_status({.port = socket.port(), .headers = {{"A", "b"}}, .timeout_ms = 50}));
    const CommandResult said =
        h->commands().run({.argv = {"sh", "-c", "cat; echo err >&2; exit 3"}, .input = "in"});
    CHECK(said.status == 3);
    CHECK(said.output == "in");
  }
  CHECK_FALSE(has_children());
}

TEST_CASE("a helper performs, one action after another or lists together") {
  const TemporaryFolder t;
  Helper h;
  const std::vector<Action> actions = {CreateDirectory{t / "d", 0700, "", ""},
                                       WriteFile{.path = t / "d/f", .content = "x", .mode = 0600}};
  h->perform(actions);
  CHECK(content_of(t / "d/f") == "x");
  const std::vector<std::vector<Action>> lists = {{WriteFile{.path = t / "a", .content = "a"}},
                                                  {WriteFile{.path = t / "missing/b", .content = "b"}},
                                                  {WriteFile{.path = t / "c", .content = "c"}}};
  const auto errors = h->perform_together(spans(lists));
  REQUIRE(errors.size() == 3);
  CHECK_FALSE(errors[0]);
  CHECK(errors[1]->message() == "the folder of " + (t / "missing/b") + " does not exist");
  CHECK(content_of(t / "c") == "c");
}

TEST_CASE("errors arrive as they were thrown") {
  const TemporaryFolder t;
  Helper h;
  const std::vector<Action> unknown_owner = {WriteFile{.path = t / "f", .owner = "no-such-user"}};
  const Error owner = error_of([&] { h->perform(unknown_owner); });
  CHECK(owner.kind() == ErrorKind::unavailable);
  CHECK(owner.message() == "user `no-such-user` does not exist");
  const std::vector<Action> failing = {
      RunCommand{.command = {.argv = {"sh", "-c", "echo the last words; exit 7"}}}};
  const Error command = error_of([&] { h->perform(failing); });
  CHECK(command.output().find("the last words") != std::string::npos);
  CHECK(h->files().exists(t / ""));  // it still answers
}

TEST_CASE("root's helper acts with another user's rights alone") {
  if (!is_root("a helper of another user")) return;
  const TemporaryFolder t;
  t.folder("theirs", 0755, 1);
  t.file("secret", "x", 0600);
  Helper h("daemon");
  const std::vector<Action> actions = {WriteFile{.path = t / "theirs/f", .content = "x"}};
  h->perform(actions);
  CHECK(status_of(t / "theirs/f").st_uid == 1);
  CHECK(error_of([&] { h->files().view(t / "secret", 10); }).kind() == ErrorKind::denied);
  const std::vector<Action> refused = {WriteFile{.path = t / "f", .content = "x"}};
  CHECK(error_of([&] { h->perform(refused); }).kind() == ErrorKind::denied);
  const CommandResult who = h->commands().run({.argv = {"id", "-u", "-n"}});
  CHECK(who.output == "daemon\n");
}

TEST_CASE("a user that does not exist has no helper") {
  const Error e = error_of([] { Helper h("no-such-user"); });
  CHECK(e.kind() == ErrorKind::privilege);
  CHECK_FALSE(has_children());
}

TEST_CASE("cancelling ends a long command of the helper's") {
  const TemporaryFolder t;
  Helper h;
  const std::string started = t / "started";
  std::thread canceller([&] {
    while (!is_there(started)) ::poll(nullptr, 0, 5);
    h.cancellation.cancel();
  });
  const std::vector<Action> longer = {
      RunCommand{.command = {.argv = {"sh", "-c", "echo >" + started + "; sleep 600"}}}};
  const Error e = error_of([&] { h->perform(longer); });
  canceller.join();
  CHECK(e.kind() == ErrorKind::cancelled);
}

TEST_CASE("a helper that is killed is an error that says so, again and again") {
  const TemporaryFolder t;
  Helper h;
  const std::vector<Action> suicide = {
      RunCommand{.command = {.argv = {"sh", "-c", "kill -9 $PPID; sleep 600"}}}};
  const std::string expected = "the helper that acts as " + effective_person().name + " was ended by signal 9";
  CHECK(error_of([&] { h->perform(suicide); }).message() == expected);
  CHECK(error_of([&] { h->files().exists("/"); }).message() == expected);
  CHECK_FALSE(has_children());
}

TEST_CASE("one run at a time has the lock, and the error of the other names it") {
  const AgentFolder turn;  // the lock is the whole machine's
  const TemporaryFolder t;
  Cancellation none;
  const ProgressSink quiet = [](const Progress&) {};
  const std::string me = fmt::format("process {} applies first.json since ", ::getpid());
  const std::string cache = ::geteuid() == 0 ? t / "" : t / "cache";
  const auto first = std::make_unique<RunLock>(cache, "first.json", none, quiet);
  const Error e = error_of([&] { RunLock second(cache, "second.json", none, quiet); });
  CHECK(e.message().starts_with("another run is active: " + me));
  CHECK(e.message().find('\n') == std::string::npos);
  if (::geteuid() != 0) return;  // the helper's lock is the person's own then
  Helper h;
  CHECK(error_of([&] { h->lock("third.json", {}); }).message() == e.message());
}

TEST_CASE("the lock of a user without a home cannot be taken away by another user's file in /tmp") {
  constexpr uid_t homeless = 64321, mallory = 64322;
  if (!test::is_root("a lock of another user")) return;
  const std::string planted = fmt::format("/tmp/mlops-agent-{}.lock", homeless);
  const std::string made = fmt::format("/run/mlops-agent/{}", homeless);
  std::ofstream(planted) << "";
  REQUIRE(::chown(planted.c_str(), mallory, mallory) == 0);
  make_lock_folder(homeless, homeless, "/nonexistent");
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(homeless, homeless, homeless) != 0 || ::setresuid(homeless, homeless, homeless) != 0)
      ::_exit(2);
    try {
      Cancellation none;
      const RunLock lock("/nonexistent/cache", "p.json", none, nullptr);
      const bool second = error_of([&] { RunLock again("/nonexistent/cache", "q.json", none, nullptr); })
                              .message()
                              .starts_with("another run is active: ");
      ::_exit(second ? 0 : 3);
    } catch (const std::exception&) {
      ::_exit(1);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::filesystem::remove(planted);
  CHECK(std::filesystem::exists(made + "/lock"));
  std::filesystem::remove_all(made);
  std::error_code in_use;
  std::filesystem::remove("/run/mlops-agent", in_use);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a run that only finishes its last action is waited for") {
  const AgentFolder turn;  // the lock is the whole machine's
  const TemporaryFolder t;
  Cancellation none;
  auto first = std::make_unique<RunLock>(t / "cache", "first.json", none, nullptr);
  first->finishing();
  std::vector<std::string> heard;
  const RunLock second(t / "cache", "second.json", none, [&](const Progress& p) {
    heard.push_back(p.doing);
    first.reset();
  });
  CHECK(heard == std::vector<std::string>{"waiting for an earlier run to finish its last action"});
}

TEST_CASE("the helper of a killed run ends its command, and its lock is had again") {
  const AgentFolder turn;  // the lock is the whole machine's
  const TemporaryFolder t;
  const std::string started = t / "started";
  const pid_t run = ::fork();
  if (run == 0) {
    Helper h;
    h->lock("killed.json", {});
    const std::vector<Action> longer = {
        RunCommand{.command = {.argv = {"sh", "-c",
                                        "trap 'sleep 0.3; exit 1' TERM; echo $$ >" + started +
                                            "; while :; do sleep 0.05; done"}}}};
    error_of([&] { h->perform(longer); });
    ::_exit(0);
  }
  while (content_of(started).empty()) {
    REQUIRE(::waitpid(run, nullptr, WNOHANG) == 0);  // it did not get so far
    ::poll(nullptr, 0, 5);
  }
  ::kill(run, SIGKILL);
  ::waitpid(run, nullptr, 0);
  Helper next;
  for (int i = 0; i < 6000; ++i) {  // until the first helper has seen the end of its input
    const std::string refused = error_of([&] { next->lock("next.json", {}); }).message();
    if (refused == "no error") break;
    CHECK(refused.find("applies killed.json since ") != std::string::npos);
    ::poll(nullptr, 0, 10);
  }
  const pid_t command = std::stoi(content_of(started));
  CHECK(::kill(command, 0) != 0);
}

TEST_CASE("what is no conversation ends the helper without a crash") {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    RawHelper helper;
    std::string bytes;
    for (std::size_t n = random() % 200; n > 0; --n)
      bytes += static_cast<char>(random() % (round % 2 ? 256 : 4));
    if (round % 3 == 0) bytes = std::string(4, '\xff') + bytes;  // far more than a frame may have
    if (round % 3 == 1)
      bytes = framed(std::string(1, static_cast<char>(round % 28)) + std::string(3, '\0') + bytes);
    if (round == 5) bytes = "";
    helper.say(bytes);
    const int status = helper.end();
    INFO("round " << round);
    CHECK(status == 0);
  }
}
