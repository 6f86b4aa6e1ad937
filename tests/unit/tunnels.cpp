// Tunnels through a real sshd: connections that are carried, and what happens when the host goes away.
#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "base/frame.hpp"
#include "support/catch.hpp"
#include "support/kept_tunnel.hpp"
#include "support/tcp_server.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

using State = TunnelView::State;
using Kind = KeeperReport::Kind;

const TcpServer::Handler echo = [](Handle socket) {
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(socket.get(), buffer, sizeof buffer)) > 0;)
    if (!send_all(socket.get(), {buffer, static_cast<std::size_t>(n)})) return;
};

// Sends the text and its end; what comes back until the end.
std::string sent_back(const Handle& socket, const std::string& text) {
  if (!socket) return "(not connected)";
  std::thread writer([&] {
    send_all(socket.get(), text);
    ::shutdown(socket.get(), SHUT_WR);
  });
  std::string back = receive_all(socket.get());
  writer.join();
  return back;
}
std::string sent_back(std::uint16_t port, const std::string& text) {
  return sent_back(Handle(connect_to_port(port)), text);
}

std::string noise(std::size_t size, std::uint64_t seed) {
  std::string bytes(size, '\0');
  std::uint64_t x = seed * 0x9e3779b97f4a7c15 + 1;
  for (char& c : bytes) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    c = static_cast<char>(x);
  }
  return bytes;
}

// Whether the connection was cut (ECONNRESET), not ended: nobody may take a part for the whole.
bool is_cut(const Handle& socket) {
  char c = 0;
  return ::recv(socket.get(), &c, 1, 0) < 0 && errno == ECONNRESET;
}

}  // namespace

TEST_CASE("a tunnel carries connections to its target and counts them", "[tunnels]") {
  const SshServer server;
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  const KeptTunnel tunnel(local_tunnel(port, target.port()), server.config());
  CHECK(tunnel.first_report.kind == Kind::stands);
  CHECK(sent_back(port, "hello") == "hello");
  CHECK(sent_back(port, "again") == "again");
  tunnel.await([](const TunnelStatus& s) { return s.open == 0; });
  const auto status = tunnel.ask(TunnelQuestion::probe);
  REQUIRE(status);
  CHECK(status->state == State::up);
  CHECK(status->reason == "");
  CHECK(status->sent == 10);
  CHECK(status->received == 10);
  CHECK(status->connections == 2);  // that of the proof is not counted
  CHECK(status->reconnected == 0);
}

TEST_CASE("a hundred connections at once arrive whole through a tunnel", "[tunnels]") {
  const SshServer server;
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  const KeptTunnel tunnel(local_tunnel(port, target.port()), server.config());
  std::atomic<int> whole{0};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 100; ++i)
    threads.emplace_back([&, i] {
      const std::string sent = noise((512 << 10) + i, i);
      whole += sent_back(port, sent) == sent;
    });
  for (std::thread& t : threads) t.join();
  CHECK(whole == 100);
  const auto status = tunnel.ask();
  REQUIRE(status);
  CHECK(status->connections == 100);
  CHECK(status->sent == status->received);
}

TEST_CASE("who does not read from a tunnel stops nobody else", "[tunnels]") {
  const SshServer server;
  const TcpServer endless([](Handle socket) {
    const std::string piece(65536, 'x');
    while (send_all(socket.get(), piece)) {
    }
  });
  const TcpServer target(echo);
  const std::uint16_t port = free_port(), other = free_port();
  const KeptTunnel slow(local_tunnel(port, endless.port()), server.config());
  const Handle stuck(connect_to_port(port));
  slow.await([](const TunnelStatus& s) { return s.received > 1 << 20; });
  // In the same connection to the host: SOCKS leads to both.
  Tunnel dynamic{.name = "t", .direction = Tunnel::Direction::dynamic, .listen = {"127.0.0.1", other, ""}};
  const KeptTunnel both(dynamic, server.config());
  const auto through = [&](std::uint16_t to) {
    Handle socket(connect_to_port(other));
    const std::string request{
        5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, static_cast<char>(to >> 8), static_cast<char>(to)};
    send_all(socket.get(), request);
    char answer[12];
    CHECK(::recv(socket.get(), answer, sizeof answer, MSG_WAITALL) == 12);
    CHECK(std::string(answer, 4) == std::string("\5\0\5\0", 4));
    return socket;
  };
  const Handle never_read = through(endless.port());
  both.await([](const TunnelStatus& s) { return s.received > 1 << 20; });
  const std::string text = noise(4 << 20, 7);
  CHECK(sent_back(through(target.port()), text) == text);
}

TEST_CASE("each side's end goes through a tunnel by itself", "[tunnels]") {
  const SshServer server;
  const TcpServer target([](Handle socket) {
    const std::string all = receive_all(socket.get());
    send_all(socket.get(), "got " + std::to_string(all.size()));
  });
  const std::uint16_t port = free_port();
  const KeptTunnel tunnel(local_tunnel(port, target.port()), server.config());
  CHECK(sent_back(port, std::string(100'000, 'x')) == "got 100000");
}

TEST_CASE("a tunnel comes back when its host's sshd was started again", "[tunnels]") {
  SshServer server;
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  const KeptTunnel tunnel(local_tunnel(port, target.port()), server.config());
  const Handle held(connect_to_port(port));
  tunnel.await([](const TunnelStatus& s) { return s.open == 1; });
  server.stop();
  tunnel.await([](const TunnelStatus& s) { return s.state == State::away; });
  CHECK(is_cut(held));
  const auto away = tunnel.ask(TunnelQuestion::probe);
  REQUIRE(away);
  CHECK(away->reason != "");
  // One that comes meanwhile waits for it.
  std::string back;
  std::thread early([&] { back = sent_back(port, "early"); });
  server.start();
  early.join();
  CHECK(back == "early");
  const auto status = tunnel.ask(TunnelQuestion::probe);
  REQUIRE(status);
  CHECK(status->state == State::up);
  CHECK(status->reconnected == 1);
}

TEST_CASE("a tunnel comes back when its connection was cut", "[tunnels]") {
  const SshServer server;
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  const KeptTunnel tunnel(local_tunnel(port, target.port()), server.config());
  server.cut();
  tunnel.await([](const TunnelStatus& s) { return s.reconnected == 1 && s.state == State::up; });
  CHECK(sent_back(port, "hello") == "hello");
}

TEST_CASE("a host that is frozen is noticed within 15 s, sooner when somebody looks, and comes back",
          "[tunnels][long]") {
  const bool looked_at = GENERATE(false, true);
  const SshServer server;
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  const KeptTunnel tunnel(local_tunnel(port, target.port()), server.config());
  const Handle held(connect_to_port(port));
  tunnel.await([](const TunnelStatus& s) { return s.open == 1; });
  server.freeze();
  const double seconds =
      tunnel.await([](const TunnelStatus& s) { return s.state != State::up || s.reconnected > 0; },
                   looked_at ? TunnelQuestion::probe : TunnelQuestion::status);
  CHECK(seconds < (looked_at ? 8 : 15));
  CHECK(is_cut(held));
  // The listener is not frozen: another connection comes to stand, however busy the machine is.
  tunnel.await([](const TunnelStatus& s) { return s.reconnected > 0 && s.state == State::up; });
  CHECK(sent_back(port, "hello") == "hello");
  server.thaw();
}

TEST_CASE("a tunnel whose port is taken fails, and names the program", "[tunnels]") {
  const SshServer server;
  const ListeningSocket other(AF_INET, "127.0.0.1");
  KeptTunnel tunnel(local_tunnel(other.port(), 1), server.config());
  CHECK(tunnel.first_report.kind == Kind::failed);
  CHECK(tunnel.first_report.reason.find("port " + std::to_string(other.port()) +
                                        " of 127.0.0.1 is taken by unit-tests (pid " +
                                        std::to_string(::getpid())) == 0);
  CHECK_FALSE(tunnel.end());
}

TEST_CASE("what stands between a tunnel and its target is reported", "[tunnels]") {
  const SshServer server;
  const std::uint16_t port = free_port(), nobody = free_port();
  const KeptTunnel tunnel(local_tunnel(port, nobody), server.config());
  CHECK(tunnel.first_report.kind == Kind::stands);
  const auto status = tunnel.ask(TunnelQuestion::probe);
  REQUIRE(status);
  CHECK(status->state == State::refused);
  CHECK(status->reason ==
        "127.0.0.1 refuses a connection to 127.0.0.1:" + std::to_string(nobody) + ": Connection refused");
  CHECK(is_cut(Handle(connect_to_port(port))));
}

TEST_CASE("a host that requires a person and one that is away get different messages", "[tunnels]") {
  SshServer server;
  const std::uint16_t port = free_port();
  SECTION("its key is not known") {
    server.folder().file("known_hosts", "", 0600);
    const KeptTunnel tunnel(local_tunnel(port, 1), server.config());
    CHECK(tunnel.first_report.kind == Kind::needs_you);
    CHECK(tunnel.first_report.reason.find("--accept-new-host-keys") != std::string::npos);
  }
  SECTION("the key has a passphrase") {
    make_key(server.folder(), "locked", "secret");
    server.folder().file("authorized_keys", content_of(server.folder() / "locked.pub"));
    std::filesystem::rename(server.folder() / "locked", server.folder() / "key");
    std::filesystem::rename(server.folder() / "locked.pub", server.folder() / "key.pub");
    const KeptTunnel tunnel(local_tunnel(port, 1), server.config());
    CHECK(tunnel.first_report.kind == Kind::needs_you);
    CHECK(tunnel.first_report.reason.find("one that ssh-agent holds") != std::string::npos);
    CHECK(tunnel.state() == State::needs_you);
  }
  SECTION("nobody listens there; once somebody does, it is asked to try") {
    server.stop();
    const KeptTunnel tunnel(local_tunnel(port, 1), server.config());
    CHECK(tunnel.first_report.kind == Kind::away);
    server.start();
    CHECK(tunnel.state(TunnelQuestion::retry) == State::refused);  // by the target: the host is there
  }
}

TEST_CASE("a port of the host leads here through a remote tunnel, and again after the host was away",
          "[tunnels]") {
  SshServer server;
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  Tunnel remote = local_tunnel(port, target.port());
  remote.direction = Tunnel::Direction::remote;
  const KeptTunnel tunnel(remote, server.config());
  CHECK(tunnel.state(TunnelQuestion::probe) == State::up);
  CHECK(sent_back(port, "hello") == "hello");
  tunnel.await([](const TunnelStatus& s) { return s.open == 0; });
  const auto status = tunnel.ask();
  REQUIRE(status);
  CHECK(status->connections == 1);
  server.stop();
  server.start();
  tunnel.await([](const TunnelStatus& s) { return s.state == State::up && s.reconnected == 1; });
  CHECK(sent_back(port, "again") == "again");
}

TEST_CASE("a port that is in use on the host is reported, and so is a target that does not answer here",
          "[tunnels]") {
  const SshServer server;
  const ListeningSocket other(AF_INET, "127.0.0.1");
  Tunnel remote = local_tunnel(other.port(), 1);
  remote.direction = Tunnel::Direction::remote;
  {
    const KeptTunnel tunnel(remote, server.config());
    CHECK(tunnel.first_report.kind == Kind::needs_you);
    CHECK(tunnel.first_report.reason.find("refuses to listen on 127.0.0.1:" + std::to_string(other.port())) !=
          std::string::npos);
  }
  remote.listen.port = free_port();
  const KeptTunnel tunnel(remote, server.config());
  CHECK(tunnel.state(TunnelQuestion::probe) == State::refused);
}

TEST_CASE("SOCKS clients of each version reach the address that they ask for", "[tunnels]") {
  const SshServer server;
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  const KeptTunnel tunnel(
      {.name = "t", .direction = Tunnel::Direction::dynamic, .listen = {"127.0.0.1", port, ""}},
      server.config());
  CHECK(tunnel.state(TunnelQuestion::probe) == State::up);
  const auto answer = [&](std::string request, std::uint16_t to, std::size_t size, Handle& socket) {
    const auto at = request.find("PP");
    request[at] = static_cast<char>(to >> 8), request[at + 1] = static_cast<char>(to);
    socket = Handle(connect_to_port(port));
    send_all(socket.get(), request);
    std::string bytes(size, '\0');
    const ssize_t n = ::recv(socket.get(), bytes.data(), size, MSG_WAITALL);
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    return bytes;
  };
  const std::string five("\5\1\0\5\1\0\3\11localhostPP", 19), four("\4\1PP\177\0\0\1me\0", 11),
      four_a("\4\1PP\0\0\0\1\0localhost\0", 19);
  Handle socket;
  CHECK(answer(five, target.port(), 12, socket).substr(0, 4) == std::string("\5\0\5\0", 4));
  CHECK(sent_back(socket, "hello") == "hello");
  CHECK(answer(four, target.port(), 8, socket).substr(0, 2) == std::string("\0\132", 2));
  CHECK(sent_back(socket, "hello") == "hello");
  CHECK(answer(four_a, target.port(), 8, socket).substr(0, 2) == std::string("\0\132", 2));
  CHECK(sent_back(socket, "hello") == "hello");
  CHECK(answer(five, free_port(), 12, socket).substr(0, 4) ==
        std::string("\5\0\5\5", 4));  // connection refused
  CHECK(answer(four, free_port(), 8, socket).substr(0, 2) == std::string("\0\133", 2));
  CHECK(answer("GET / HTTP/1.0 PP", 1, 8, socket) == "");
}

TEST_CASE("a tunnel leads from a Unix socket to a Unix socket, which only its owner may use", "[tunnels]") {
  const SshServer server;
  TemporaryFolder folder;
  const std::string here = folder / "here.sock", there = folder / "there.sock";
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  const KeptTunnel inner({.name = "t", .listen = {"", 0, there}, .target = {"127.0.0.1", target.port(), ""}},
                         server.config());
  {
    const KeptTunnel tunnel({.name = "t", .listen = {"", 0, here}, .target = {"", 0, there}}, server.config());
    CHECK(tunnel.state(TunnelQuestion::probe) == State::up);
    CHECK(mode_of(here) == 0600);
    CHECK(sent_back(connect_to_path(here), "hello") == "hello");
    const KeptTunnel second({.name = "t", .listen = {"", 0, here}, .target = {"", 0, there}}, server.config());
    CHECK(second.first_report.kind == Kind::failed);
    CHECK(second.first_report.reason.find(here + " is taken by unit-tests") == 0);
    CHECK(is_there(here));
  }
  CHECK_FALSE(is_there(here));
  folder.file("file", "precious");
  const KeptTunnel wrong({.name = "t", .listen = {"", 0, folder / "file"}, .target = {"", 0, there}},
                         server.config());
  CHECK(wrong.first_report.reason == folder / "file is there already, and is no socket");
  CHECK(content_of(folder / "file") == "precious");
  (void)port;
}

TEST_CASE("a tunnel that is asked to stop leaves nothing, with connections open and the host frozen",
          "[tunnels]") {
  const bool frozen = GENERATE(false, true);
  const SshServer server;
  const TcpServer target(echo);
  const std::uint16_t port = free_port();
  KeptTunnel tunnel(local_tunnel(port, target.port()), server.config());
  const Handle held(connect_to_port(port));
  tunnel.await([](const TunnelStatus& s) { return s.open == 1; });
  if (frozen) server.freeze();
  CHECK(tunnel.ask(TunnelQuestion::stop).has_value());
  CHECK(tunnel.await_end());
  CHECK(is_cut(held));
  CHECK(connect_to_port(port) == -1);
  CHECK_FALSE(is_there(tunnel.folder().file("t", ".control")));
  CHECK(tunnel.folder().take_lock("t"));
  if (frozen) server.thaw();
}

TEST_CASE("a tunnel's process answers questions of its protocol alone", "[tunnels]") {
  const SshServer server;
  const TcpServer target(echo);
  const KeptTunnel tunnel(local_tunnel(free_port(), target.port()), server.config());
  const std::string control = tunnel.folder().file("t", ".control");
  CHECK(mode_of(control) == 0600);
  CHECK(mode_of(tunnel.folder().path()) == 0700);
  CHECK(mode_of(tunnel.folder().file("t", ".json")) == 0600);
  CHECK(mode_of(tunnel.folder().file("t", ".log")) == 0600);
  for (const std::string& bytes : {std::string("\xff\xff\xff\xff", 4), std::string("\4\0\0\0stop", 8),
                                   std::string("\0\0\0\0", 4), std::string("GET / HTTP/1.0\r\n\r\n")}) {
    const Handle socket = connect_to_path(control);
    send_all(socket.get(), bytes);
    CHECK(receive_all(socket.get()) == "");
  }
  // Those who say nothing do not keep others from asking.
  std::vector<Handle> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(connect_to_path(control));
  CHECK(tunnel.state(TunnelQuestion::probe) == State::up);
}
