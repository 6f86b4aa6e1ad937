// Connections over ssh to a real sshd.
#include "ssh/connection.hpp"

#include <sys/socket.h>

#include <chrono>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

std::string read_all(int fd) {
  std::string text;
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) throw std::runtime_error("cannot write");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::unique_ptr<Connection> connect(const std::string& config, const ConnectOptions& options = {},
                                    const std::string& name = "box") {
  static const Cancellation never;
  return connect_ssh(ssh_settings(name, config), options, never);
}

// What connecting says when it fails.
std::string failure(const std::string& config, const ConnectOptions& options = {},
                    const std::string& name = "box") {
  try {
    connect(config, options, name);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a command runs over ssh and its output, status and complaints come back", "[ssh]") {
  const SshServer server;
  const auto connection = connect(server.config());
  const auto channel = connection->run("cat; echo trouble >&2; exit 7");
  write_all(channel->fd(), "hello");
  ::shutdown(channel->fd(), SHUT_WR);
  CHECK(read_all(channel->fd()) == "hello");
  CHECK(channel->wait() == 7);
  CHECK(channel->complaints() == "trouble\n");
}

TEST_CASE("a socket is joined to a port of the host", "[ssh]") {
  const SshServer server;
  const auto connection = connect(server.config());
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Handle ours(ends[0]);
  connection->forward(Handle(ends[1]), "127.0.0.1", server.port());
  std::string banner(4, '\0');
  CHECK(::read(ours.get(), banner.data(), 4) == 4);
  CHECK(banner == "SSH-");
}

TEST_CASE("a host whose key is not known is refused, with the fingerprint and what to do", "[ssh]") {
  const SshServer server;
  server.know({});
  const std::string text = failure(server.config());
  CHECK(text.find("is not known: ED25519 SHA256:") != std::string::npos);
  CHECK(text.find("--accept-new-host-keys") != std::string::npos);
}

TEST_CASE("a key that the host does not know is refused, and named", "[ssh]") {
  const SshServer server;
  must_run({"ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", server.folder() / "other"});
  server.folder().file("authorized_keys", content_of(server.folder() / "other.pub"));
  const std::string text = failure(server.config());
  CHECK(text.find(server.folder() / "key (refused)") != std::string::npos);
}

TEST_CASE("a port of the host leads here", "[ssh]") {
  const SshServer server;
  const auto connection = connect(server.config());
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Handle ours(ends[0]), joined(ends[1]);
  const auto traffic = std::make_shared<Traffic>();
  const auto listener = connection->listen("127.0.0.1", 0, [&](ForwardOptions& options) {
    options.greeting = "welcome ";
    options.traffic = traffic;
    return std::move(joined);
  });
  REQUIRE(listener->port() > 0);
  const Handle there(connect_to_port(listener->port()));
  REQUIRE(there);
  write_all(there.get(), "hello");
  ::shutdown(there.get(), SHUT_WR);
  CHECK(read_all(ours.get()) == "welcome hello");
  write_all(ours.get(), "bye");
  ours = Handle();
  CHECK(read_all(there.get()) == "bye");
  CHECK(traffic->received == 13);
  CHECK(traffic->sent == 3);
}

TEST_CASE("a host that stands gives a sign of life, a frozen one does not", "[ssh]") {
  const SshServer server;
  const auto connection = connect(server.config());
  CHECK(connection->answers(std::chrono::seconds(10)));
  CHECK(connection->answers(std::chrono::seconds(10)));
  server.freeze();
  CHECK_FALSE(connection->answers(std::chrono::milliseconds(200)));
  server.thaw();
  CHECK(connection->answers(std::chrono::seconds(10)));
}

TEST_CASE("a connection that is cut is lost, and its channels end", "[ssh]") {
  const SshServer server;
  const auto connection = connect(server.config());
  const auto channel = connection->run("echo up; exec sleep 100");
  std::string up(3, '\0');
  CHECK(::read(channel->fd(), up.data(), 3) == 3);
  server.cut();
  CHECK(read_all(channel->fd()) == "");
  CHECK(channel->wait() == std::nullopt);
  pollfd lost{connection->lost_fd(), POLLIN, 0};
  CHECK(::poll(&lost, 1, 10'000) == 1);
  CHECK(connection->lost());
  CHECK_THROWS_AS(connection->run("true"), Error);
}

TEST_CASE("a host behind another is reached by ProxyJump with the person's configuration", "[ssh]") {
  const SshServer bastion("AllowTcpForwarding yes"), server;
  // Both are on the loopback: the one behind is reached by a name that only its own entry knows.
  const std::string config =
      server.config("Host bastion\n  HostName 127.0.0.1\n  Port " + std::to_string(bastion.port()) +
                    "\n  IdentityFile " + (bastion.folder() / "key") + "\n  UserKnownHostsFile " +
                    (bastion.folder() / "known_hosts") + "\nHost box\n  ProxyJump bastion\n");
  const auto connection = connect(config);
  const auto channel = connection->run("echo $SSH_CONNECTION");
  CHECK(read_all(channel->fd()).ends_with(" 127.0.0.1 " + std::to_string(server.port()) + "\n"));
  CHECK(channel->wait() == 0);
  CHECK(bastion.log().find("Accepted publickey") != std::string::npos);
  bastion.cut();
  pollfd lost{connection->lost_fd(), POLLIN, 0};
  CHECK(::poll(&lost, 1, 10'000) == 1);
}

TEST_CASE("a jump host that does not let in is named", "[ssh]") {
  const SshServer server;
  const std::string config =
      server.config("Host bastion\n  HostName 127.0.0.1\n  Port 1\nHost box\n  ProxyJump bastion\n");
  CHECK(failure(config) ==
        "on the way to box, over bastion: cannot reach 127.0.0.1 port 1: Connection refused");
}

TEST_CASE("a ProxyJump that leads to itself ends", "[ssh]") {
  const SshServer server;
  CHECK(failure(server.config("Host box2\n  ProxyJump box\nHost box\n  ProxyJump box2\n"))
            .find("lead to itself?") != std::string::npos);
}

TEST_CASE("a host is reached by ProxyCommand", "[ssh]") {
  const SshServer server;
  const auto connection =
      connect(server.config("Host box\n  ProxyCommand bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3'\n"));
  const auto channel = connection->run("exit 3");
  CHECK(channel->wait() == 3);
}

TEST_CASE("the errors of a ProxyCommand are reported", "[ssh]") {
  const SshServer server;
  CHECK(failure(server.config("Host box\n  ProxyCommand echo no way to %h >&2; exit 1\n"))
            .ends_with("its ProxyCommand says: no way to 127.0.0.1"));
}
