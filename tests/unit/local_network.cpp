// Real servers on loopback that answer, or do not, as programs do.
#include "domains/network/local.hpp"

#include <unistd.h>

#include <thread>

#include "base/error.hpp"
#include "domains/network/overlay.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/listening_socket.hpp"

using namespace mlops;
using namespace mlops::test;
using Verb = ChangeUnit::Verb;

namespace {

// Takes one connection, reads the request and answers with a text; returns what it was asked.
struct Once {
  ListeningSocket socket{AF_INET, "127.0.0.1"};
  std::string asked;
  std::thread thread;
  explicit Once(std::string answer)
      : thread([this, answer = std::move(answer)] {
          const int fd = ::accept(socket.fd(), nullptr, nullptr);
          char buffer[4096];
          while (asked.find("\r\n\r\n") == asked.npos) {
            const ssize_t n = ::read(fd, buffer, sizeof buffer);
            if (n <= 0) break;
            asked.append(buffer, static_cast<std::size_t>(n));
          }
          // Byte by byte: an answer comes in whatever pieces it likes.
          for (const char c : answer)
            if (::send(fd, &c, 1, MSG_NOSIGNAL) != 1) break;
          ::close(fd);
        }) {}
  ~Once() {
    if (thread.joinable()) thread.join();
  }
};

std::optional<int> status(const std::string& answer) {
  const Cancellation cancellation;
  const Once server(answer);
  return LocalNetwork(cancellation).http_status({.port = server.socket.port(), .timeout_ms = 5000});
}

}  // namespace

TEST_CASE("the status of an answer is read from its first line, however it comes") {
  CHECK(status("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == 200);
  CHECK(status("HTTP/1.0 403 Forbidden\r\n\r\n") == 403);
  CHECK(status("HTTP/1.1 204\r\n\r\n") == 204);
}

TEST_CASE("what is no answer of HTTP has no status") {
  CHECK_FALSE(status(""));
  CHECK_FALSE(status("SSH-2.0-OpenSSH_9.2p1\r\n"));
  CHECK_FALSE(status("HTTP/1.1 OK\r\n"));
  CHECK_FALSE(status("HTTP/1.1 2\r\n"));
  CHECK_FALSE(status("HTTP/1.1 200 OK"));  // closed within the line
  CHECK_FALSE(status(std::string(100'000, 'x')));
}

TEST_CASE("the request has its path, its host and its headers") {
  const Cancellation cancellation;
  Once server("HTTP/1.1 200 OK\r\n\r\n");
  const std::uint16_t port = server.socket.port();
  CHECK(LocalNetwork(cancellation)
            .http_status(
                {.port = port, .path = "/api/status?x=1", .headers = {{"Authorization", "token t"}}}) == 200);
  server.thread.join();
  CHECK(server.asked == "GET /api/status?x=1 HTTP/1.0\r\nHost: 127.0.0.1:" + std::to_string(port) +
                            "\r\nAuthorization: token t\r\n\r\n");
}

TEST_CASE("a server that takes connections and says nothing costs no more than the time given") {
  const Cancellation cancellation;
  const ListeningSocket silent(AF_INET, "127.0.0.1");
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(LocalNetwork(cancellation).http_status({.port = silent.port(), .timeout_ms = 100}));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(3));
}

TEST_CASE("where nobody listens there is no answer, and an interruption is heeded while waiting") {
  Cancellation cancellation;
  std::uint16_t nobody = 0;
  {
    const ListeningSocket gone(AF_INET, "127.0.0.1");
    nobody = gone.port();
  }
  CHECK_FALSE(LocalNetwork(cancellation).http_status({.port = nobody}));
  const ListeningSocket silent(AF_INET, "127.0.0.1");
  cancellation.cancel();
  CHECK_THROWS_AS(LocalNetwork(cancellation).http_status({.port = silent.port(), .timeout_ms = 60'000}), Error);
}

TEST_CASE("a simulated unit listens where it says it will, and no longer once it is stopped") {
  FakeNetwork real;
  real.listeners[8080] = {"127.0.0.1", 8080, 0, 7, "web", "web.service"};
  OverlayNetwork overlay;
  const auto unit = [&](std::uint16_t port) {
    const auto found = overlay.listener(real, "127.0.0.1", port);
    return found ? found->unit : "nobody";
  };
  CHECK(unit(8080) == "web.service");
  CHECK(unit(8888) == "nobody");
  overlay.apply({"jupyter.service", Verb::enable, {8888}});
  CHECK(unit(8888) == "nobody");
  overlay.apply({"jupyter.service", Verb::start, {8888}});
  overlay.apply({"web.service", Verb::restart, {}});
  CHECK(unit(8888) == "jupyter.service");
  CHECK_FALSE(overlay.listener(real, "127.0.0.1", 8888)->pid);
  CHECK(unit(8080) == "web.service");
  overlay.apply({"jupyter.service", Verb::restart, {8889}});
  CHECK(unit(8888) == "nobody");
  CHECK(unit(8889) == "jupyter.service");
  overlay.apply({"web.service", Verb::stop, {}});
  CHECK(unit(8080) == "nobody");
}
