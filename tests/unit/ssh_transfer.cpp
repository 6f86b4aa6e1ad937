// Bytes through ssh connections: whole, both ways, many at once, with back-pressure, and ends that are passed
// on.
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "ssh/connection.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"
#include "support/tcp_server.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

using namespace std::chrono_literals;

std::unique_ptr<Connection> connect(const std::string& config, const ConnectOptions& options = {}) {
  static const Cancellation never;
  return connect_ssh(ssh_settings("box", config), options, never);
}

// Bytes that look like nothing, other ones for each seed.
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

std::pair<Handle, Handle> pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("no sockets");
  return {Handle(ends[0]), Handle(ends[1])};
}

// A socket that is joined to a port of the host.
Handle joined(Connection& connection, std::uint16_t port) {
  auto [ours, theirs] = pair();
  connection.forward(std::move(theirs), "127.0.0.1", port);
  return std::move(ours);
}

// Says how many bytes the socket took until it took no more for a while.
std::size_t fill(int fd) {
  const std::string piece(65536, 'x');
  std::size_t sent = 0;
  for (pollfd wait{fd, POLLOUT, 0}; ::poll(&wait, 1, 500) > 0;) {
    const ssize_t n = ::send(fd, piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) break;
    sent += static_cast<std::size_t>(n);
  }
  return sent;
}

const TcpServer::Handler echo = [](Handle socket) {
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(socket.get(), buffer, sizeof buffer)) > 0;)
    if (!send_all(socket.get(), {buffer, static_cast<std::size_t>(n)})) return;
};

ErrorKind refusal(Connection& connection, const std::string& target, std::uint16_t port, std::string& words) {
  try {
    auto [ours, theirs] = pair();
    connection.forward(std::move(theirs), target, port);
  } catch (const Error& e) {
    words = e.what();
    return e.kind();
  }
  return ErrorKind::cancelled;
}

}  // namespace

TEST_CASE("much comes back whole from a program that gives back what it reads, over key exchanges",
          "[ssh][long]") {
  const bool often = GENERATE(false, true);
  const SshServer server(often ? "RekeyLimit 1M\nLogLevel DEBUG1" : "LogLevel DEBUG1");
  const std::string cipher = GENERATE("aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr");
  const auto connection = connect(server.config("Ciphers " + cipher));
  const auto channel = connection->run("cat");
  const std::string sent = noise(24 << 20, 1);
  std::thread writer([&] {
    send_all(channel->fd(), sent);
    ::shutdown(channel->fd(), SHUT_WR);
  });
  const std::string received = receive_all(channel->fd());
  writer.join();
  CHECK(received.size() == sent.size());
  CHECK(sha256_hex(received) == sha256_hex(sent));
  CHECK(channel->wait() == 0);
  int exchanges = 0;
  const std::string log = server.log();
  for (auto at = log.find("SSH2_MSG_NEWKEYS received"); at != std::string::npos;
       at = log.find("SSH2_MSG_NEWKEYS received", at + 1))
    ++exchanges;
  CHECK((often ? exchanges > 10 : exchanges == 1));
}

TEST_CASE("a hundred forwarded connections at once arrive whole", "[ssh][long]") {
  const SshServer server(GENERATE("", "RekeyLimit 8M"));
  const TcpServer far(echo);
  const auto connection = connect(server.config());
  std::atomic<int> whole{0};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 100; ++i)
    threads.emplace_back([&, i] {
      const Handle socket = joined(*connection, far.port());
      const std::string sent = noise(1 << 20, i);
      std::thread writer([&] {
        send_all(socket.get(), sent);
        ::shutdown(socket.get(), SHUT_WR);
      });
      whole += receive_all(socket.get()) == sent;
      writer.join();
    });
  for (std::thread& t : threads) t.join();
  CHECK(whole == 100);
  CHECK_FALSE(connection->lost());
}

TEST_CASE("who does not read stops who writes, and nobody else", "[ssh]") {
  const SshServer server;
  std::atomic<std::size_t> sent{0};
  const TcpServer source([&](Handle socket) {
    sent = fill(socket.get());
    receive_all(socket.get());
  });
  std::atomic<bool> over{false};
  const TcpServer deaf([&](Handle socket) {
    while (!over) std::this_thread::sleep_for(10ms);
    receive_all(socket.get());
  });
  const TcpServer far(echo);
  const auto connection = connect(server.config());
  // Both what the host sends and what is sent there, with nobody reading at the end.
  const Handle down = joined(*connection, source.port()), up = joined(*connection, deaf.port());
  const std::size_t taken = fill(up.get());
  CHECK(taken > 0);
  CHECK(taken < 32u << 20);
  const Handle busy = joined(*connection, far.port());
  const std::string words = noise(4 << 20, 3);
  std::thread writer([&] {
    send_all(busy.get(), words);
    ::shutdown(busy.get(), SHUT_WR);
  });
  CHECK(receive_all(busy.get()) == words);
  writer.join();
  for (int i = 0; i < 600 && sent == 0; ++i) std::this_thread::sleep_for(100ms);
  CHECK(sent > 0);
  CHECK(sent < 32u << 20);
  over = true;
}

TEST_CASE("each side's end is passed on, and the other side continues", "[ssh][long]") {
  const SshServer server;
  const auto connection = connect(server.config());
  SECTION("ours first") {
    const TcpServer far([](Handle socket) { send_all(socket.get(), "got " + receive_all(socket.get())); });
    const Handle socket = joined(*connection, far.port());
    send_all(socket.get(), "words");
    ::shutdown(socket.get(), SHUT_WR);
    CHECK(receive_all(socket.get()) == "got words");
  }
  SECTION("theirs first") {
    std::string got;
    {
      const TcpServer far([&](Handle socket) {
        send_all(socket.get(), "words");
        ::shutdown(socket.get(), SHUT_WR);
        got = receive_all(socket.get());
      });
      const Handle socket = joined(*connection, far.port());
      CHECK(receive_all(socket.get()) == "words");
      CHECK(send_all(socket.get(), "thanks"));
    }
    CHECK(got == "thanks");
  }
  SECTION("ours closed altogether, with bytes on the way") {
    std::string got;
    {
      const TcpServer far([&](Handle socket) { got = receive_all(socket.get()); });
      const Handle socket = joined(*connection, far.port());
      send_all(socket.get(), "last words");
    }
    CHECK(got == "last words");
  }
  SECTION("ours closed while the host sends") {
    bool stopped = false;
    {
      const TcpServer far([&](Handle socket) {
        while (send_all(socket.get(), std::string(65536, 'x'))) {
        }
        stopped = true;
      });
      const Handle socket = joined(*connection, far.port());
      char one;
      CHECK(::read(socket.get(), &one, 1) == 1);
    }
    CHECK(stopped);
  }
}

TEST_CASE("a program's end is reported: status or signal, and that it is gone when we are", "[ssh]") {
  const SshServer server;
  const auto connection = connect(server.config());
  CHECK(connection->run("exit 42")->wait() == 42);
  CHECK(connection->run("kill -9 $$")->wait() == 128 + 9);
  CHECK(connection->run("kill -TERM $$")->wait() == 128 + 15);
  const std::size_t before = server.processes().size();
  auto reads = connection->run("cat"), writes = connection->run("yes");
  char one;
  CHECK(::read(writes->fd(), &one, 1) == 1);
  CHECK(server.processes().size() > before);
  reads.reset();
  writes.reset();
  for (int i = 0; i < 3000 && server.processes().size() > before; ++i) std::this_thread::sleep_for(20ms);
  CHECK(server.processes().size() == before);
}

TEST_CASE("stderr is kept to its last 64 KiB", "[ssh]") {
  const SshServer server;
  const auto connection = connect(server.config());
  const auto channel = connection->run("head -c 300000 /dev/zero | tr '\\0' x >&2; echo end >&2");
  CHECK(channel->wait() == 0);
  CHECK(receive_all(channel->fd()) == "");
  CHECK(channel->complaints().size() == 64 << 10);
  CHECK(channel->complaints().ends_with("xxend\n"));
}

TEST_CASE("with MaxSessions 1 a second command is refused, and forwards continue", "[ssh]") {
  const SshServer server("MaxSessions 1");
  const TcpServer far(echo);
  const auto connection = connect(server.config());
  const auto first = connection->run("cat");
  CHECK_THROWS_AS(connection->run("true"), Error);
  const Handle socket = joined(*connection, far.port());
  send_all(socket.get(), "x");
  char one = 0;
  CHECK(::read(socket.get(), &one, 1) == 1);
  send_all(first->fd(), "y");
  CHECK(::read(first->fd(), &one, 1) == 1);
  CHECK(one == 'y');
}

TEST_CASE("the reason for a refused forward is reported", "[ssh]") {
  const SshServer server(GENERATE("", "AllowTcpForwarding no"));
  const bool forbidden = content_of(server.folder() / "sshd_config").starts_with("AllowTcp");
  const auto connection = connect(server.config());
  std::string words;
  const std::uint16_t nobody = free_port();
  CHECK(refusal(*connection, "127.0.0.1", nobody, words) ==
        (forbidden ? ErrorKind::privilege : ErrorKind::unavailable));
  CHECK(words.find("127.0.0.1 refuses a connection to 127.0.0.1:" + std::to_string(nobody) + ": ") == 0);
  if (!forbidden) CHECK(words.ends_with("Connection refused"));
  CHECK_FALSE(connection->lost());
}

TEST_CASE("a Unix socket on the host is reached, and one that is not there is not", "[ssh][long]") {
  const SshServer server;
  const std::string path = server.folder() / "socket";
  const Handle listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  const auto connection = connect(server.config());
  auto [ours, theirs] = pair();
  connection->forward(std::move(theirs), path, 0);
  const Handle there(::accept(listener.get(), nullptr, nullptr));
  send_all(ours.get(), "x");
  char one = 0;
  CHECK(::read(there.get(), &one, 1) == 1);
  std::string words;
  CHECK(refusal(*connection, path + "-not", 0, words) == ErrorKind::unavailable);
}

TEST_CASE("many commands run at once on one connection", "[ssh][long]") {
  const SshServer server("MaxSessions 50");
  const auto connection = connect(server.config());
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 40; ++i)
    threads.emplace_back([&, i] {
      const auto channel = connection->run("read x; echo $x; exit " + std::to_string(i));
      const std::string word = std::to_string(i) + "\n";
      send_all(channel->fd(), word);
      right += receive_all(channel->fd()) == word && channel->wait() == i;
    });
  for (std::thread& t : threads) t.join();
  CHECK(right == 40);
}

TEST_CASE("a host that is frozen is lost, with what was joined to it, idle or busy", "[ssh][long]") {
  const SshServer server;
  const TcpServer source([](Handle socket) {
    while (send_all(socket.get(), std::string(65536, 'x'))) {
    }
  });
  const auto connection = connect(server.config(), {.lost_after = 1500ms});
  Handle socket;
  if (GENERATE(false, true)) socket = joined(*connection, source.port());
  const auto channel = connection->run("sleep 100");
  server.freeze();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(receive_all(channel->fd()) == "");
  CHECK(channel->wait() == std::nullopt);
  pollfd lost{connection->lost_fd(), POLLIN, 0};
  CHECK(::poll(&lost, 1, 10'000) == 1);
  CHECK(std::chrono::steady_clock::now() - begin < 4s);
  CHECK(connection->lost().value_or("").find("has not answered for") != std::string::npos);
  server.thaw();
}

TEST_CASE("a network that drops everything is noticed, also while much is sent", "[ssh][long]") {
  const SshServer server;
  Relay relay(server.port());
  const TcpServer far(echo);
  const auto connection =
      connect(server.config("Host box\n  Port " + std::to_string(relay.port()) +
                            "\n  HostKeyAlias [127.0.0.1]:" + std::to_string(server.port())),
              {.lost_after = 1500ms});
  const Handle socket = joined(*connection, far.port());
  const bool busy = GENERATE(false, true);
  std::thread writer;
  if (busy)
    writer = std::thread([&] {
      while (send_all(socket.get(), std::string(65536, 'x'))) {
      }
    });
  relay.stop();
  pollfd lost{connection->lost_fd(), POLLIN, 0};
  CHECK(::poll(&lost, 1, 5'000) == 1);
  if (busy) writer.join();
}

TEST_CASE("a slow line that takes all we send counts as alive", "[ssh][long]") {
  const SshServer server;
  // Reads 64 KiB every 50 ms.
  const TcpServer slow([](Handle socket) {
    char buffer[65536];
    while (::recv(socket.get(), buffer, sizeof buffer, MSG_WAITALL) > 0) std::this_thread::sleep_for(50ms);
  });
  const auto connection = connect(server.config(), {.lost_after = 600ms});
  const Handle socket = joined(*connection, slow.port());
  const auto until = std::chrono::steady_clock::now() + 2s;
  while (std::chrono::steady_clock::now() < until && send_all(socket.get(), std::string(65536, 'x'))) {
  }
  CHECK_FALSE(connection->lost());
}

TEST_CASE("a host that asks whether we live is answered", "[ssh][long]") {
  const SshServer server("ClientAliveInterval 1\nClientAliveCountMax 1");
  const auto connection = connect(server.config());
  const auto channel = connection->run("sleep 3.5; echo over");
  CHECK(receive_all(channel->fd()) == "over\n");
}

TEST_CASE("waiting takes no processor time, whatever is half closed or stuck", "[ssh][long]") {
  const SshServer server;
  std::atomic<bool> over{false};
  const TcpServer waiting([&](Handle) {
    while (!over) std::this_thread::sleep_for(10ms);
  });
  const TcpServer ended([&](Handle socket) {
    ::shutdown(socket.get(), SHUT_WR);
    while (!over) std::this_thread::sleep_for(10ms);
  });
  const TcpServer talking([&](Handle socket) {
    fill(socket.get());
    while (!over) std::this_thread::sleep_for(10ms);
  });
  const auto connection = connect(server.config());
  const Handle idle = joined(*connection, waiting.port()), deaf = joined(*connection, talking.port()),
               theirs_ended = joined(*connection, ended.port());
  Handle ours_ended = joined(*connection, waiting.port()), full = joined(*connection, waiting.port()),
         gone = joined(*connection, waiting.port());
  ::shutdown(ours_ended.get(), SHUT_WR);
  fill(full.get());
  fill(gone.get());
  gone = Handle();
  const auto quiet = connection->run("exec >&-; sleep 100"), program = connection->run("sleep 100");
  ::shutdown(program->fd(), SHUT_WR);
  std::this_thread::sleep_for(1s);
  const auto spent = [] {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  const double before = spent();
  std::this_thread::sleep_for(1s);
  CHECK(spent() - before < 0.1);
  over = true;
}

TEST_CASE("a flood of connections at a port of the host is bounded", "[ssh]") {
  const SshServer server;
  std::atomic<bool> over{false};
  std::atomic<int> asked{0};
  const auto connection = connect(server.config());
  const auto listener = connection->listen("127.0.0.1", 0, [&](ForwardOptions&) {
    ++asked;
    while (!over) std::this_thread::sleep_for(10ms);
    return Handle();
  });
  std::vector<Handle> flood;
  for (int i = 0; i < 400; ++i) flood.emplace_back(connect_to_port(listener->port()));
  // Those beyond the bound are closed; their end can be read.
  int closed = 0;
  for (int round = 0; round < 3000 && closed < 400 - 256; ++round) {
    closed = 0;
    for (const Handle& h : flood) {
      pollfd end{h.get(), POLLIN, 0};
      closed += ::poll(&end, 1, 0) == 1;
    }
    std::this_thread::sleep_for(20ms);
  }
  CHECK(closed == 400 - 256);
  CHECK(asked == 256);
  over = true;
  for (const Handle& h : flood) CHECK(receive_all(h.get()) == "");
}
