// What counts as using a machine: each source of activity, against trees of /proc, real sockets and real
// servers.
#include <fcntl.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "idle/sources.hpp"
#include "support/catch.hpp"
#include "support/http_server.hpp"
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

TEST_CASE("load: above the share of the processors counts, and nonsense is an error") {
  CHECK_FALSE(observe_load("0.10 0.50 3.00 1/100 5\n", 2, 20).active);
  CHECK_FALSE(observe_load("0.40 0 0", 2, 20).active);
  CHECK(observe_load("0.42 0 0", 2, 20).active);
  CHECK(observe_load("0.42 0 0", 2, 20).detail == "21 % of 2 processors");
  CHECK_THROWS_AS(observe_load("", 2, 20), Error);
  CHECK_THROWS_AS(observe_load("1.0 1 1", 0, 20), Error);
}

TEST_CASE("kernels: busy counts, idle does not, and one that was used since the last check does") {
  std::map<std::string, std::string> last{{"8888", "2026-01-01T10:00:00.5Z"}};
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

TEST_CASE("Jupyter: a runtime file says where it is asked, and what would leave its request is a problem") {
  const auto parsed = [](const std::string& more) {
    return parse_runtime_file(R"({"port": 8888, "token": "t0", )" + more + "}").value();
  };
  const JupyterServer plain = parsed(R"("hostname": "localhost", "base_url": "/lab/")");
  CHECK(plain.address == "127.0.0.1");
  CHECK(plain.path == "/lab/");
  CHECK(plain.token == "t0");
  CHECK(plain.problem == "");
  CHECK(parsed(R"("hostname": "::")").address == "::1");
  CHECK(parsed(R"("hostname": "169.254.169.254")").problem.find("is not asked") != std::string::npos);
  CHECK(parsed(R"("hostname": "", "secure": true)").problem != "");
  CHECK(parsed(R"("base_url": "/ HTTP/1.0\r\nX: /")").problem != "");
  CHECK(parsed(R"("base_url": "x")").problem != "");
  CHECK(parse_runtime_file(R"({"port": 1, "token": "a\r\nHost: b"})")->problem != "");
  for (const char* no : {"", "{", "[]", R"({"port": 0})", R"({"port": 70000})", R"({"port": "8888"})"})
    CHECK_FALSE(parse_runtime_file(no));
}

TEST_CASE("Jupyter: servers are found by their own files, and only where their own user listens") {
  const TemporaryFolder home;
  const std::string runtime = home.folder(".local/share/jupyter/runtime") + "/";
  const std::string in = ".local/share/jupyter/runtime/";
  home.file(in + "jpserver-1.json", R"({"port": 8888, "token": "old"})");
  home.file(in + "jpserver-2.json", R"({"port": 8888, "token": "new"})");
  const timespec earlier[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (runtime + "jpserver-1.json").c_str(), earlier, 0) == 0);
  home.file(in + "nbserver-3.json", R"({"port": 8890, "token": "classic"})");
  home.file(in + "jpserver-4.json", R"({"port": 9999, "token": "ended"})");
  home.file(in + "other-5.json", R"({"port": 8891})");
  home.file("stray.json", R"({"port": 8892})");
  home.link(in + "jpserver-6.json", home / "stray.json");
  REQUIRE(::mkfifo((runtime + "jpserver-7.json").c_str(), 0600) == 0);
  const std::uint32_t me = ::geteuid();
  std::vector<TcpSocket> sockets;
  for (const std::uint16_t port : std::vector<std::uint16_t>{8888, 8890, 8891, 8892, 8893})
    sockets.push_back({.uid = me, .port = port, .listening = true});
  const auto found = [&](std::optional<std::vector<std::uint16_t>> only, std::uint32_t uid) {
    std::string text;
    for (const JupyterServer& s : find_jupyter_servers({{home / "", uid}}, sockets, only))
      text += std::to_string(s.port) + (s.problem.empty() ? "=" + s.token : "?") + " ";
    return text;
  };
  CHECK(found({}, me) == "8888=new 8890=classic ");
  CHECK(found(std::vector<std::uint16_t>{8890, 8893, 9000}, me) == "8890=classic 8893? ");
  CHECK(found(std::vector<std::uint16_t>{}, me) == "");
  for (TcpSocket& s : sockets) s.uid = me + 1;
  CHECK(found({}, me) == "");
  CHECK(find_jupyter_servers({{"/nonexistent", me}}, sockets, {}).empty());
}

TEST_CASE("Jupyter: a runtime folder behind a link is an error, not an absence") {
  const TemporaryFolder home;
  home.folder("elsewhere/share/jupyter/runtime");
  home.link(".local", home / "elsewhere");
  CHECK_THROWS_AS(find_jupyter_servers({{home / "", ::geteuid()}}, {}, {}), Error);
}

TEST_CASE("Jupyter: a real server is asked with its token, and a refusal is an error") {
  HttpServer server([](const HttpRequestSeen& r) {
    if (r.path != "/base/api/kernels" || r.header("authorization") != "token secret")
      return http_answer("403 Forbidden", "{}");
    return http_answer("200 OK", "[]");
  });
  const auto port = static_cast<std::uint16_t>(std::stoi(server.host().substr(server.host().find(':') + 1)));
  JupyterServer asked{.port = port, .path = "/base/", .token = "secret"};
  CHECK(list_kernels(asked) == "[]");
  asked.token = "wrong";
  CHECK_THROWS_AS(list_kernels(asked), Error);
  asked.port = 1;
  CHECK_THROWS_AS(list_kernels(asked), Error);
}
