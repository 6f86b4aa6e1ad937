// Jupyter's servers: found by their own users' files alone, and asked only where their own user listens.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/error.hpp"
#include "idle/jupyter_servers.hpp"
#include "idle/loopback_http.hpp"
#include "support/catch.hpp"
#include "support/http_server.hpp"
#include "support/tcp_server.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point soon() { return Clock::now() + std::chrono::seconds(20); }

TcpSocket listening(std::uint16_t port, const std::string& address, std::uint32_t uid) {
  return {.inode = port, .cookie = port, .uid = uid, .port = port, .listening = true, .address = address};
}

// A home with runtime files of a user who need not exist. Only root can give files away.
struct Home {
  TemporaryFolder folder;
  std::string path = folder / "";
  void runtime_file(int pid, const std::string& json, std::uint32_t uid) const {
    const std::string in = ".local/share/jupyter/runtime";
    if (!is_there(folder / in)) folder.folder(in);
    folder.file(in + "/jpserver-" + std::to_string(pid) + ".json", json, 0600, uid);
  }
};

// "USER ADDRESS:PORT TOKEN; USER ADDRESS:PORT? PROBLEM"
std::string found_in(const std::vector<RuntimeHome>& homes, const std::vector<TcpSocket>& sockets,
                     const std::vector<ProcessEntry>& processes = {},
                     const std::optional<std::vector<std::uint16_t>>& only = {}) {
  std::vector<std::string> all;
  for (const JupyterServer& s : find_jupyter_servers(homes, sockets, processes, only))
    all.push_back(std::to_string(s.listener.uid) + " " + s.address + ":" + std::to_string(s.port) +
                  (s.problem.empty() ? " " + s.token : "? " + s.problem));
  std::string text;
  for (const std::string& one : all) text += (text.empty() ? "" : "; ") + one;
  return text;
}

std::uint16_t port_of(const HttpServer& server) {
  return static_cast<std::uint16_t>(std::stoi(server.host().substr(server.host().find(':') + 1)));
}

// The server that listens on the port of the loopback, with this token.
JupyterServer on(std::uint16_t port) {
  const auto listener = listener_at(listening_sockets(), "127.0.0.1", port);
  return {.port = port, .token = "secret", .listener = listener.value()};
}

}  // namespace

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
  const JupyterServer by_path = parsed(R"("sock": "/run/user/1000/jupyter.sock", "pid": 812)");
  CHECK(by_path.port == 0);
  CHECK(by_path.pid == 812);
  CHECK(by_path.problem.find("socket of the file system") != std::string::npos);
  CHECK(parsed(R"("hostname": "\u001b[2J)" + std::string(5000, 'x') + "\"").problem.size() < 150);
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
    sockets.push_back(listening(port, "127.0.0.1", me));
  const auto found = [&](std::optional<std::vector<std::uint16_t>> only, std::uint32_t uid) {
    std::string text;
    for (const JupyterServer& s : find_jupyter_servers({{home / "", uid}}, sockets, {}, only))
      text += std::to_string(s.port) + (s.problem.empty() ? "=" + s.token : "?") + " ";
    return text;
  };
  CHECK(found({}, me) == "8888=new 8890=classic ");
  CHECK(found(std::vector<std::uint16_t>{8890, 8893, 9000}, me) == "8890=classic 8893? ");
  CHECK(found(std::vector<std::uint16_t>{}, me) == "");
  for (TcpSocket& s : sockets) s.uid = me + 1;
  CHECK(found({}, me) == "");
  CHECK(find_jupyter_servers({{"/nonexistent", me}}, sockets, {}, {}).empty());
}

TEST_CASE("Jupyter: a runtime folder behind a link is an error, not an absence") {
  const TemporaryFolder home;
  home.folder("elsewhere/share/jupyter/runtime");
  home.link(".local", home / "elsewhere");
  CHECK_THROWS_AS(find_jupyter_servers({{home / "", ::geteuid()}}, {}, {}, {}), Error);
}

TEST_CASE("Jupyter: nobody's file stands for another user's server on the same port") {
  if (!is_root("runtime files of other users")) return;
  const std::uint32_t victim = 1001, hostile = 1002;
  const Home one, other;
  one.runtime_file(1, R"({"port": 8888, "hostname": "127.0.0.1", "token": "victim's"})", victim);
  other.runtime_file(1, R"({"port": 8888, "hostname": "::1", "token": "hostile"})", hostile);
  other.runtime_file(2, R"({"port": 8888, "hostname": "127.0.0.1", "token": "hostile"})", hostile);
  const std::vector<TcpSocket> sockets{listening(8888, "127.0.0.1", victim), listening(8888, "::1", hostile)};
  const auto found = found_in({{one.path, victim}, {other.path, hostile}}, sockets);
  CHECK(found ==
        "1001 127.0.0.1:8888 victim's; 1002 127.0.0.1:8888? its user does not listen at 127.0.0.1; "
        "1002 ::1:8888 hostile");
}

TEST_CASE("Jupyter: a user who listens at another address of the port gets nobody else asked") {
  if (!is_root("runtime files of other users")) return;
  const std::uint32_t victim = 1001, hostile = 1002;
  const Home other;
  other.runtime_file(1, R"({"port": 8888, "base_url": "/shutdown/"})", hostile);
  const std::vector<TcpSocket> sockets{listening(8888, "127.0.0.1", victim),
                                       listening(8888, "127.0.0.2", hostile)};
  CHECK(found_in({{other.path, hostile}}, sockets) ==
        "1002 127.0.0.1:8888? its user does not listen at 127.0.0.1");
}

TEST_CASE("Jupyter: on a port that is asked for, each user's server needs its own file") {
  if (!is_root("runtime files of other users")) return;
  const std::uint32_t victim = 1001, hostile = 1002;
  const Home other;
  other.runtime_file(1, R"({"port": 8888, "hostname": "::1"})", hostile);
  const std::vector<TcpSocket> sockets{listening(8888, "127.0.0.1", victim), listening(8888, "::1", hostile)};
  CHECK(found_in({{other.path, hostile}}, sockets, {}, std::vector<std::uint16_t>{8888}) ==
        "1002 ::1:8888 ; 0 127.0.0.1:8888? what listens there left no runtime file of Jupyter's");
}

TEST_CASE("Jupyter: a server on a socket of the file system is a problem for as long as its process runs") {
  if (!is_root("runtime files of other users")) return;
  const Home home;
  home.runtime_file(1, R"({"port": 0, "sock": "/tmp/jupyter.sock", "pid": 812})", 1001);
  CHECK(found_in({{home.path, 1001}}, {}) == "");
  CHECK(found_in({{home.path, 1001}}, {}, {{812, 1, 1002, "other"}}) == "");
  CHECK(found_in({{home.path, 1001}}, {}, {{812, 1, 1001, "jupyter-lab"}}).find("socket of the file system") !=
        std::string::npos);
}

TEST_CASE("Jupyter: the ninth server of a user makes all unknown, and is not asked") {
  if (!is_root("runtime files of other users")) return;
  const Home home;
  std::vector<TcpSocket> sockets;
  for (std::uint16_t port = 9000; port < 9020; ++port) {
    home.runtime_file(port, R"({"port": )" + std::to_string(port) + "}", 1001);
    sockets.push_back(listening(port, "127.0.0.1", 1001));
  }
  const auto all = find_jupyter_servers({{home.path, 1001}}, sockets, {}, {});
  REQUIRE(all.size() == 9);
  CHECK(all.back().problem == "user 1001 runs more than 8");
}

TEST_CASE("Jupyter: a process that is a server without a file is a problem, once for each user") {
  const std::vector<ProcessEntry> processes{{10, 1, 1001, "jupyter-lab"},
                                            {11, 10, 1001, "python3"},
                                            {20, 1, 1002, "python3"},
                                            {21, 1, 1002, "python3"},
                                            {30, 1, 1003, "bash"}};
  const auto words = [](int pid) -> std::vector<std::string> {
    if (pid == 10) return {"/opt/conda/bin/python3.12", "/opt/conda/bin/jupyter-lab", "--no-browser"};
    if (pid == 11) return {"python3", "-m", "ipykernel_launcher", "-f", "/home/a/.local/share/jupyter/k.json"};
    if (pid == 20 || pid == 21) return {"python3", "-m", "jupyterlab"};
    return {"bash", "-c", "echo jupyter-lab is fine"};
  };
  const auto sockets = [](int pid) { return std::set<std::uint64_t>{static_cast<std::uint64_t>(pid) + 500}; };
  const auto unknown = [&](const std::vector<JupyterServer>& found) {
    std::string pids;
    for (const JupyterServer& s : servers_without_file(processes, found, words, sockets)) {
      CHECK(s.problem.find("without a runtime file") != std::string::npos);
      pids += std::to_string(s.pid) + " ";
    }
    return pids;
  };
  CHECK(unknown({}) == "10 20 ");
  CHECK(unknown({{.port = 8888, .listener = {.inode = 510}}}) == "20 ");
  CHECK(unknown({{.port = 8888, .listener = {.inode = 510}}, {.port = 8889, .listener = {.inode = 520}}}) ==
        "21 ");
}

TEST_CASE("Jupyter: the homes are those of all accounts, and of who listens") {
  const auto homes = account_homes({listening(1, "::", 0), listening(2, "::", 4'000'000'000)});
  CHECK(std::count_if(homes.begin(), homes.end(), [](const RuntimeHome& h) { return h.uid == 0; }) == 1);
  CHECK(std::none_of(homes.begin(), homes.end(), [](const RuntimeHome& h) { return h.uid == 4'000'000'000; }));
}

TEST_CASE("Jupyter: a real server is asked with its token, and a refusal is an error") {
  HttpServer server([](const HttpRequestSeen& r) {
    if (r.path != "/base/api/kernels?no_track_activity=1" || r.header("authorization") != "token secret")
      return http_answer("403 Forbidden", "{}");
    return http_answer("200 OK", "[]");
  });
  JupyterServer asked = on(port_of(server));
  asked.path = "/base/";
  CHECK(list_kernels(asked, soon()) == "[]");
  asked.token = "wrong";
  CHECK_THROWS_AS(list_kernels(asked, soon()), Error);
  asked.port = 1;
  CHECK_THROWS_AS(list_kernels(asked, soon()), Error);
}

TEST_CASE("Jupyter: no token goes to a socket that took the place of its server's") {
  HttpServer server([](const HttpRequestSeen&) { return http_answer("200 OK", "[]"); });
  const JupyterServer asked = on(port_of(server));
  const auto refused = [&](const std::function<void(TcpSocket&)>& change) {
    const std::size_t before = server.seen().size();
    try {
      list_kernels(asked, soon(), [&] {
        auto all = listening_sockets();
        for (TcpSocket& s : all)
          if (s.port == asked.port) change(s);
        return all;
      });
      return false;
    } catch (const Error& e) {
      CHECK(e.message() == "another program listens there by now");
    }
    // The server saw a connection that ended before a word was said.
    while (server.seen().size() == before) std::this_thread::yield();
    return server.seen().back().method.empty() && server.seen().back().headers.empty();
  };
  CHECK(refused([](TcpSocket& s) { s.cookie += 1; }));
  CHECK(refused([](TcpSocket& s) { s.uid += 1; }));
  CHECK(refused([](TcpSocket& s) { s.address = "127.0.0.2"; }));
  CHECK(refused([](TcpSocket& s) { s.port += 1; }));
  CHECK(list_kernels(asked, soon()) == "[]");
}

TEST_CASE("Jupyter: no server is asked when the time for all of them is over") {
  HttpServer server([](const HttpRequestSeen&) { return http_answer("200 OK", "[]"); });
  CHECK_THROWS_WITH(list_kernels(on(port_of(server)), Clock::now()), Catch::Contains("no time left"));
  CHECK(server.seen().empty());
}

TEST_CASE("HTTP on the loopback: a whole answer is returned, and everything else is an error") {
  const auto get = [](const HttpBytes& answer, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    HttpServer server([&](const HttpRequestSeen&) { return answer; });
    return get_from_loopback(
        {.address = "127.0.0.1", .port = port_of(server), .path = "/", .connected = {}, .patience = patience});
  };
  CHECK(get(http_answer("200 OK", "body")) == "body");
  CHECK(get(http_answer("200 OK", std::string(1'000'000, 'x'))).size() == 1'000'000);
  CHECK_THROWS_WITH(get(http_answer("200 OK", std::string((1u << 20) + 1, 'x'))), "its answer is too long");
  CHECK_THROWS_WITH(get(http_answer("302 Found", "", "Location: http://127.0.0.1:1/\r\n")),
                    "it answers HTTP/1.1 302 Found");
  CHECK_THROWS_WITH(get({"HTTP/1.1 4\x1b[2J\r\n\r\n"}), R"(it answers HTTP/1.1 4\x1b[2J)");
  CHECK_THROWS_WITH(get({"SSH-2.0-OpenSSH\r\n"}), "what listens there is no HTTP server");
  CHECK_THROWS_WITH(get({""}), "what listens there is no HTTP server");
  const auto silent = std::chrono::milliseconds(200);
  CHECK_THROWS_WITH(get({"", true}, silent), "it does not answer");
  CHECK_THROWS_WITH(get({"HTTP/1.1 200 OK\r\n\r\n[", true}, silent), "it does not answer");
}

TEST_CASE("HTTP on the loopback: one that drips takes no longer than one that is silent") {
  TcpServer server([](Handle client) {
    while (::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1) ::usleep(20'000);
  });
  const auto start = Clock::now();
  CHECK_THROWS_WITH(get_from_loopback({.address = "127.0.0.1",
                                       .port = server.port(),
                                       .path = "/",
                                       .connected = {},
                                       .patience = std::chrono::milliseconds(300)}),
                    "it does not answer");
  CHECK(Clock::now() - start < std::chrono::seconds(3));
}
