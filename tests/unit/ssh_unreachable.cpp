// Hosts that do not exist, do not answer, or are no ssh servers: each costs little and is reported; cancelling
// ends any wait.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "ssh/connection.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"
#include "support/tcp_server.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

using namespace std::chrono_literals;

struct Outcome {
  std::string words;
  ErrorKind kind = ErrorKind::other;
  double seconds = 0;
};

SshSettings settings(std::uint16_t port, const std::string& host = "127.0.0.1") {
  SshSettings s;
  s.name = s.host = host;
  s.port = port;
  s.user = "ann";
  s.identity_agent = "none";
  return s;
}

Outcome outcome(const SshSettings& s, std::chrono::milliseconds timeout, const Cancellation& cancellation) {
  ConnectOptions options;
  options.timeout = timeout;
  options.accept_new_host_keys = true;
  Outcome o{"connected", ErrorKind::other, 0};
  const auto begin = std::chrono::steady_clock::now();
  try {
    connect_ssh(s, options, cancellation);
  } catch (const Error& e) {
    o = {e.what(), e.kind(), 0};
  }
  o.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return o;
}

Outcome outcome(const SshSettings& s, std::chrono::milliseconds timeout = 10s) {
  const Cancellation never;
  return outcome(s, timeout, never);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A port whose system does not answer: its queue of connections is full.
class FullPort {
 public:
  FullPort() : listener_(AF_INET, "127.0.0.1", false) {
    ::listen(listener_.fd(), 0);
    for (int i = 0; i < 8; ++i) {
      Handle fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(listener_.port());
      ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
      waiting_.push_back(std::move(fd));
    }
  }
  std::uint16_t port() const { return listener_.port(); }

 private:
  ListeningSocket listener_;
  std::vector<Handle> waiting_;
};

}  // namespace

TEST_CASE("a host without an address and one that is down get different messages", "[ssh]") {
  const Outcome none = outcome(settings(22, "no-such-host.invalid"));
  CHECK(none.kind == ErrorKind::unavailable);
  CHECK(has(none.words, "cannot reach no-such-host.invalid port 22: "));
  const Outcome down = outcome(settings(free_port()));
  CHECK(down.kind == ErrorKind::unavailable);
  CHECK(has(down.words, "Connection refused"));
}

TEST_CASE("a host that does not answer costs the timeout and no more", "[ssh]") {
  SECTION("its system is silent") {
    const FullPort port;
    const Outcome o = outcome(settings(port.port()), 300ms);
    CHECK(o.kind == ErrorKind::unavailable);
    CHECK(has(o.words, "no answer within 0.3 s"));
    CHECK(o.seconds < 3);
  }
  SECTION("its server is silent") {
    const ListeningSocket silent(AF_INET, "127.0.0.1");
    const Outcome o = outcome(settings(silent.port()), 300ms);
    CHECK(o.kind == ErrorKind::unavailable);
    CHECK(has(o.words, "is reached, but no ssh server answers there within 0.3 s"));
    CHECK(o.seconds < 3);
  }
  SECTION("its server stops in the middle") {
    const TcpServer half([](Handle socket) {
      send_all(socket.get(), "SSH-2.0-Half\r\n");
      receive_all(socket.get());
    });
    const Outcome o = outcome(settings(half.port()), 300ms);
    CHECK(has(o.words, "no ssh server answers"));
    CHECK(o.seconds < 3);
  }
}

TEST_CASE("cancelling ends each wait at once", "[ssh]") {
  Cancellation cancellation;
  std::thread later([&] {
    std::this_thread::sleep_for(100ms);
    cancellation.cancel();
  });
  Outcome o;
  SECTION("for the system") {
    const FullPort port;
    o = outcome(settings(port.port()), 60s, cancellation);
  }
  SECTION("for the server") {
    const ListeningSocket silent(AF_INET, "127.0.0.1");
    o = outcome(settings(silent.port()), 60s, cancellation);
  }
  SECTION("for a ProxyCommand") {
    SshSettings s = settings(22);
    s.proxy_command = "sleep 60";
    o = outcome(s, 60s, cancellation);
  }
  later.join();
  CHECK(o.kind == ErrorKind::cancelled);
  CHECK(o.seconds < 5);
}

TEST_CASE("what is no ssh server is reported", "[ssh]") {
  const std::string says =
      GENERATE(std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("220 mail\r\n"), std::string(),
               std::string(100'000, 'x'), std::string(1000, '\0'), std::string("SSH-1.5-old\r\n"),
               "SSH-2.0-x\r\n" + std::string(40'000, '\xff'),
               std::string("SSH-2.0-x\r\n\0\0\0\x0c\x0a\x14\0\0\0\0\0\0\0\0\0\0", 27));
  const TcpServer server([&](Handle socket) {
    char one;
    ::recv(socket.get(), &one, 1, 0);
    send_all(socket.get(), says);
    ::shutdown(socket.get(), SHUT_WR);
    receive_all(socket.get());
  });
  const Outcome o = outcome(settings(server.port()));
  CHECK(o.kind == ErrorKind::unavailable);
  CHECK(has(o.words, "no ssh connection: "));
  CHECK(o.seconds < 5);
}

TEST_CASE("a host that has no way to be talked to says so", "[ssh]") {
  const SshServer server("Ciphers aes256-ctr");
  const Cancellation never;
  try {
    connect_ssh(ssh_settings("box", server.config("Ciphers aes128-gcm@openssh.com")), {}, never);
    FAIL("connected");
  } catch (const Error& e) {
    CHECK(has(e.what(), "aes128-gcm@openssh.com"));
  }
}
