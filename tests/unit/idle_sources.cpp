// What counts as using a machine: each source of activity, against trees of /proc, real sockets and real
// servers.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "idle/sources.hpp"
#include "support/catch.hpp"
#include "support/listening_socket.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

constexpr std::uint32_t anna = 1000, sshd_user = 105;

// The server, somebody's connection that only forwards a port, and one that nobody has logged in over yet.
const std::vector<ProcessEntry> forwarding{
    {1, 0, 0, "systemd"}, {10, 1, 0, "sshd"},          {20, 10, 0, "sshd"},      {21, 20, anna, "sshd"},
    {30, 10, 0, "sshd"},  {31, 30, sshd_user, "sshd"}, {40, 1, anna, "jupyter"}, {41, 40, anna, "bash"}};

std::vector<ProcessEntry> with(std::vector<ProcessEntry> all, const ProcessEntry& one) {
  all.push_back(one);
  return all;
}

// The sockets of the processes above: 200 is anna's connection, 300 the stranger's.
std::set<std::uint64_t> sockets_of(int pid) {
  if (pid == 20 || pid == 21) return {200};
  if (pid == 30 || pid == 31) return {300};
  return {};
}
TcpSocket connection(std::uint64_t inode, std::uint64_t bytes) {
  return {.inode = inode, .cookie = inode + 7, .port = 22, .bytes = bytes};
}
bool moves(std::uint64_t earlier, std::uint64_t now, std::uint64_t seconds = 60, std::uint64_t inode = 200) {
  std::map<std::string, std::uint64_t> before{{std::to_string(inode + 7), earlier}};
  return observe_tunnels(forwarding, {connection(inode, now), connection(999, 1u << 30)}, sockets_of, sshd_user,
                         seconds, before)
      .active;
}

std::string kernels(const std::string& state, const std::string& last) {
  return R"([{"id": "k", "name": "python3", "execution_state": ")" + state + R"(", "last_activity": ")" + last +
         R"(", "connections": 1}])";
}
const std::vector<JupyterServer> one_server{{.port = 8888}};

}  // namespace

TEST_CASE("logins: a program that sshd started is one, a connection that only forwards is none") {
  CHECK_FALSE(observe_logins(forwarding).active);
  const Observation shell = observe_logins(with(forwarding, {22, 21, anna, "bash"}));
  CHECK(shell.active);
  CHECK(shell.detail == "bash (pid 22) over ssh");
  CHECK_FALSE(observe_logins(with(forwarding, {23, 22, anna, "vim"})).active);  // its parent has ended
  CHECK(observe_logins({{5, 1, 0, "sshd-session"}, {6, 5, anna, "sshd-session"}, {7, 6, anna, "zsh"}}).active);
  CHECK(observe_logins({{5, 1, 0, "sshd"}, {6, 5, 0, "sftp-server"}}).active);  // root's has no process between
}

TEST_CASE("tunnels: traffic counts, keepalives and handshakes do not") {
  CHECK(moves(1'000'000, 1'000'000 + 20'000));
  CHECK_FALSE(moves(1'000'000, 1'000'000 + 3'000));
  CHECK_FALSE(moves(1'000'000, 1'000'000));
  CHECK_FALSE(moves(0, 10'000));
  CHECK(moves(0, 700, 2));
  CHECK_FALSE(moves(0, 300, 2));
  CHECK_FALSE(moves(0, 20'000, 120));
  CHECK_FALSE(moves(0, 1'000'000, 60, 300));  // nobody is logged in over it
  CHECK_FALSE(moves(500'000, 20));            // its counters are another's
}

TEST_CASE("tunnels: what each connection has moved is kept for the next check, and what has ended is not") {
  std::map<std::string, std::uint64_t> before{{"1", 5}};
  CHECK(observe_tunnels(forwarding, {connection(200, 50'000)}, sockets_of, {}, 60, before).active);
  CHECK(before == std::map<std::string, std::uint64_t>{{"207", 50'000}});
  CHECK_FALSE(observe_tunnels(forwarding, {connection(200, 50'100)}, sockets_of, {}, 60, before).active);
}

TEST_CASE("processes: read from a tree of /proc, whatever their names are") {
  const TemporaryFolder proc;
  for (const auto& [pid, text] : std::vector<std::pair<std::string, std::string>>{
           {"7", "7 (sshd) S 1 7 7 0"}, {"8", "8 (a) b) (c) R 7 8"}, {"9", "9 (gone) Z 7 9"}}) {
    proc.folder(pid);
    proc.file(pid + "/stat", text);
  }
  proc.folder("self");
  auto all = list_processes(proc / "");
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "sshd");
  CHECK(all[0].parent == 1);
  CHECK(all[1].name == "a) b) (c");
  CHECK(all[1].parent == 7);
  CHECK_THROWS_AS(list_processes(proc / "self"), Error);
  proc.folder("11");  // one that ends meanwhile
  CHECK(list_processes(proc / "").size() == 2);
  proc.folder("10");
  proc.file("10/stat", "nonsense");
  CHECK_THROWS_AS(list_processes(proc / ""), Error);
  CHECK_THROWS_AS(list_processes(proc / "none"), Error);
}

TEST_CASE("processes: one that cannot be read is an error, not an absence") {
  const TemporaryFolder proc;
  proc.folder("7");
  proc.file("7/stat", "7 (sshd) S 1 7 7 0");
  proc.folder("8/stat");  // reading it fails with EISDIR
  CHECK_THROWS_AS(list_processes(proc / ""), Error);
}

TEST_CASE("processes: what one was started with, in words") {
  const TemporaryFolder proc;
  proc.folder("7");
  proc.file("7/cmdline", std::string("python3\0-m\0\0jupyterlab\0", 23));
  CHECK(command_line(7, proc / "") == std::vector<std::string>{"python3", "-m", "", "jupyterlab"});
  CHECK(command_line(8, proc / "").empty());
  CHECK_FALSE(command_line(::getpid()).empty());
}

TEST_CASE("processes: a process's sockets are those that it has open") {
  const ListeningSocket listener(AF_INET, "127.0.0.1");
  struct stat status {};
  REQUIRE(::fstat(listener.fd(), &status) == 0);
  CHECK(open_sockets(::getpid()).contains(status.st_ino));
  CHECK(open_sockets(1 << 30).empty());
  const TemporaryFolder proc;
  proc.folder("5");
  proc.folder("5/fd");
  proc.link("5/fd/0", "/dev/null");
  proc.link("5/fd/3", "socket:[4711]");
  proc.link("5/fd/4", "socket:[47x1]");
  CHECK(open_sockets(5, proc / "") == std::set<std::uint64_t>{4711});
}

TEST_CASE("packages: a held lock counts") {
  const TemporaryFolder dpkg;
  const Handle file(::open(dpkg.file("lock-frontend", "").c_str(), O_RDWR | O_CLOEXEC));
  // A record lock of this process is not seen by itself: a child holds it.
  int ready[2], done[2];
  REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(done, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const char ok = ::fcntl(file.get(), F_SETLK, &lock) == 0 ? 'y' : 'n';
    char end = 0;
    ::close(done[1]);
    [[maybe_unused]] ssize_t n = ::write(ready[1], &ok, 1);
    n = ::read(done[0], &end, 1);
    ::_exit(0);
  }
  char ok = 0;
  REQUIRE(::read(ready[0], &ok, 1) == 1);
  REQUIRE(ok == 'y');
  const Observation held = observe_packages(dpkg / "");
  CHECK(held.active);
  CHECK(held.detail.find("dpkg's lock") != std::string::npos);
  for (const int end : {ready[0], ready[1], done[0], done[1]}) ::close(end);
}

TEST_CASE("packages: a lock that cannot be looked at is an error, one that does not exist is free") {
  const TemporaryFolder dpkg;
  CHECK_FALSE(observe_packages(dpkg / "").active);
  dpkg.link("lock-frontend", dpkg.file("elsewhere", ""));
  CHECK_THROWS_AS(observe_packages(dpkg / ""), Error);
}

TEST_CASE("terminals: input since the last check counts, and so does a new one") {
  std::map<std::string, std::uint64_t> before;
  const auto used = [&](const std::vector<TerminalInput>& all) {
    return observe_terminals(all, before).active;
  };
  CHECK(used({{"/dev/tty1", 50}, {"/dev/pts/0", 100}}));
  CHECK_FALSE(used({{"/dev/tty1", 50}, {"/dev/pts/0", 100}}));
  CHECK(used({{"/dev/tty1", 50}, {"/dev/pts/0", 108}}));
  CHECK(observe_terminals({{"/dev/pts/0", 116}}, before).detail == "input on /dev/pts/0");
  CHECK(used({{"/dev/pts/0", 4}}));  // the clock was set back
  CHECK(used({{"/dev/pts/0", 4}, {"/dev/pts/1", 4}}));
  CHECK_FALSE(used({{"/dev/pts/1", 4}}));
  CHECK(before == std::map<std::string, std::uint64_t>{{"/dev/pts/1", 4}});
}

TEST_CASE("terminals: a real one is among them, and what is typed there moves its time") {
  const Handle controller(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(controller);
  REQUIRE(::grantpt(controller.get()) == 0);
  REQUIRE(::unlockpt(controller.get()) == 0);
  const std::string path = ::ptsname(controller.get());
  const Handle terminal(::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(terminal);
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::futimens(terminal.get(), long_ago) == 0);
  const auto last = [&]() -> std::uint64_t {
    for (const TerminalInput& one : terminal_inputs())
      if (one.path == path) return one.last;
    return 0;
  };
  CHECK(last() == 1000);
  REQUIRE(::write(controller.get(), "x\n", 2) == 2);
  char text[2];
  REQUIRE(::read(terminal.get(), text, sizeof text) == 2);
  CHECK(last() > 1000);
}

TEST_CASE("terminals: output is no input, whoever reads it") {
  const Handle controller(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(::grantpt(controller.get()) == 0);
  REQUIRE(::unlockpt(controller.get()) == 0);
  const std::string path = ::ptsname(controller.get());
  const Handle terminal(::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::futimens(terminal.get(), long_ago) == 0);
  REQUIRE(::write(terminal.get(), "x", 1) == 1);
  char text;
  REQUIRE(::read(controller.get(), &text, 1) == 1);
  for (const TerminalInput& one : terminal_inputs()) {
    CHECK_FALSE(one.path.ends_with("/ptmx"));
    if (one.path == path) CHECK(one.last == 1000);
  }
}

TEST_CASE("terminals: a folder without them has none, and other files are none") {
  const TemporaryFolder dev;
  dev.file("tty7", "");
  CHECK(terminal_inputs(dev / "").empty());
  dev.file("pts", "");
  CHECK_THROWS_AS(terminal_inputs(dev / ""), Error);
}

TEST_CASE("load: one program that computes counts, on however many processors") {
  for (const long processors : {1L, 2L, 4L, 5L, 8L, 16L, 192L}) {
    CHECK(observe_load("0.98 0.50 0.20 2/100 5\n", processors, 20).active);
    CHECK_FALSE(observe_load("0.05 0.50 0.20 2/100 5\n", processors, 20).active);
  }
  CHECK_FALSE(observe_load("0.69 0 0", 8, 20).active);
  CHECK(observe_load("0.71 0 0", 8, 20).active);
  CHECK_FALSE(observe_load("0.71 0 0", 8, 150).active);  // asked for as more than all of them
  CHECK(observe_load("12.1 0 0", 8, 150).active);
  CHECK_THROWS_AS(observe_load("0.1 1 1", -1, 20), Error);  // sysconf(3) failed
}

TEST_CASE("load: above the share of the processors counts, and nonsense is an error") {
  CHECK_FALSE(observe_load("0.10 0.50 3.00 1/100 5\n", 2, 20).active);
  CHECK_FALSE(observe_load("0.40 0 0", 2, 20).active);
  CHECK(observe_load("0.42 0 0", 2, 20).active);
  CHECK(observe_load("0.42 0 0", 2, 20).detail == "21 % of 2 processors");
  CHECK_THROWS_AS(observe_load("", 2, 20), Error);
  CHECK_THROWS_AS(observe_load("1.0 1 1", 0, 20), Error);
}

TEST_CASE("kernels: busy counts, idle does not, and one that was used since the last check does") {
  std::map<std::string, std::string> last{{"0 8888 127.0.0.1", "2026-01-01T10:00:00.5Z"}};
  const auto observed = [&](const std::string& state, const std::string& when) {
    return observe_kernels(
        one_server, [&](const JupyterServer&) { return kernels(state, when); }, last);
  };
  CHECK_FALSE(observed("idle", "2026-01-01T10:00:00.5Z").active);
  CHECK(observed("busy", "2026-01-01T10:00:00.5Z").active);
  CHECK(observed("starting", "2026-01-01T10:00:00.5Z").active);
  CHECK_FALSE(observed("dead", "2026-01-01T10:00:00.5Z").active);
  CHECK(observed("idle", "2026-01-01T10:00:31.0Z").active);
  CHECK_FALSE(observed("idle", "2026-01-01T10:00:31.0Z").active);
  CHECK(observed("idle", "2025-01-01T10:00:00.0Z").active);  // the clock was set back
}

TEST_CASE("kernels: two users on one port hide nothing of each other") {
  std::map<std::string, std::string> last;
  const std::vector<JupyterServer> two{{.port = 8888, .listener = {.uid = 1}},
                                       {.port = 8888, .address = "::1", .listener = {.uid = 2}}};
  const auto answer = [](const JupyterServer& s) {
    return s.listener.uid == 1 ? kernels("idle", "2026-01-01T10:00:00Z")
                               : kernels("idle", "2027-01-01T10:00:00Z");
  };
  CHECK(observe_kernels(two, answer, last).active);
  CHECK_FALSE(observe_kernels(two, answer, last).active);
  CHECK(last.size() == 2);
}

TEST_CASE("kernels: a state or a time that is no word is refused, and not kept") {
  std::map<std::string, std::string> last;
  const std::string huge(1000, 'x');
  for (const auto& [state, when] :
       std::vector<std::pair<std::string, std::string>>{{huge, "t"}, {"idle", huge}}) {
    const Observation o = observe_kernels(
        one_server, [&](const JupyterServer&) { return kernels(state, when); }, last);
    CHECK(o.unknown);
    CHECK(o.detail.size() < 100);
    CHECK(last.empty());
  }
  const Observation o = observe_kernels(
      one_server, [&](const JupyterServer&) { return kernels(R"(\u001b[2J)", "t"); }, last);
  CHECK(o.detail == R"(port 8888: a kernel is \x1b[2J)");
}

TEST_CASE("kernels: a server that cannot be asked counts, and hides no other") {
  std::map<std::string, std::string> last;
  const auto answer = [](const JupyterServer& s) -> std::string {
    if (s.port == 1) throw Error("it does not answer");
    return s.port == 2 ? "{}" : kernels("busy", "2026-01-01T10:00:00Z");
  };
  const Observation all = observe_kernels({{.port = 1}, {.port = 2}, {.port = 3}}, answer, last);
  CHECK(all.unknown);
  CHECK(all.active);
  CHECK(all.detail ==
        "port 1: it does not answer; port 2: it answers with no list of kernels; port 3: a kernel is busy");
  CHECK(observe_kernels({{.port = 4, .problem = "it speaks TLS"}}, answer, last).unknown);
  const Observation none = observe_kernels({}, answer, last);
  CHECK_FALSE(none.active);
  CHECK_FALSE(none.unknown);
  CHECK(last.empty());
}
