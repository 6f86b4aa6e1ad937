// The TCP sockets as the kernel tells of them, and who gets a connection.
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/handle.hpp"
#include "idle/sockets.hpp"
#include "support/catch.hpp"
#include "support/listening_socket.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

// A message of the kernel's, as it lies in its answer.
template <class Payload>
std::string message(std::uint16_t type, const Payload& payload, std::uint16_t flags = 0) {
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(sizeof payload);
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  std::string bytes(NLMSG_SPACE(sizeof payload), '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + NLMSG_HDRLEN, &payload, sizeof payload);
  return bytes;
}

inet_diag_msg listener(const char* address, std::uint16_t port, std::uint32_t uid) {
  inet_diag_msg m{};
  const bool six = std::strchr(address, ':');
  m.idiag_family = six ? AF_INET6 : AF_INET;
  m.idiag_state = 10;  // TCP_LISTEN
  m.idiag_uid = uid;
  m.id.idiag_sport = htons(port);
  ::inet_pton(m.idiag_family, address, m.id.idiag_src);
  return m;
}

TcpSocket at(const std::string& address, std::uint32_t uid, bool only_ipv6 = true) {
  return {.cookie = 5, .uid = uid, .port = 8888, .listening = true, .address = address, .only_ipv6 = only_ipv6};
}

std::optional<std::uint32_t> gets(const std::vector<TcpSocket>& sockets, const std::string& address) {
  const auto one = listener_at(sockets, address, 8888);
  return one ? std::optional(one->uid) : std::nullopt;
}

}  // namespace

TEST_CASE("sockets: the kernel tells of a real connection, and counts what it moves") {
  const ListeningSocket listener(AF_INET, "127.0.0.1");
  const Handle client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(listener.port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  const Handle served(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(served);
  struct stat status {};
  REQUIRE(::fstat(served.get(), &status) == 0);
  const auto found = [&]() -> TcpSocket {
    for (const TcpSocket& s : tcp_sockets())
      if (s.inode == status.st_ino) return s;
    return {};
  };
  const TcpSocket before = found();
  CHECK(before.port == listener.port());
  CHECK(before.uid == ::geteuid());
  CHECK(before.bytes < 10);
  const std::string text(5000, 'x');
  REQUIRE(::send(client.get(), text.data(), text.size(), 0) == 5000);
  std::string into(5000, '\0');
  REQUIRE(::recv(served.get(), into.data(), into.size(), MSG_WAITALL) == 5000);
  CHECK(found().bytes - before.bytes >= 5000);
  CHECK(found().cookie == before.cookie);
  const auto all = tcp_sockets();
  CHECK(std::any_of(all.begin(), all.end(),
                    [&](const TcpSocket& s) { return s.listening && s.port == listener.port(); }));
}

TEST_CASE("sockets: a dump that failed midway, or changed, is an error and no end") {
  const std::string one = message(SOCK_DIAG_BY_FAMILY, listener("127.0.0.1", 8888, 7));
  std::vector<TcpSocket> found;
  CHECK(read_socket_dump(one + one, found));
  CHECK(found.size() == 2);
  CHECK_FALSE(read_socket_dump(one + message(NLMSG_DONE, 0), found));
  CHECK(found.size() == 3);
  CHECK(found[2].port == 8888);
  CHECK(found[2].uid == 7);
  CHECK(found[2].address == "127.0.0.1");
  CHECK_THROWS_WITH(read_socket_dump(one + message(NLMSG_DONE, -ENOMEM), found),
                    Catch::Contains("Cannot allocate memory"));
  nlmsgerr refused{};
  refused.error = -EPERM;
  CHECK_THROWS_AS(read_socket_dump(message(NLMSG_ERROR, refused), found), Error);
  CHECK_THROWS_AS(read_socket_dump(message(NLMSG_DONE, 0, NLM_F_DUMP_INTR), found), Error);
  CHECK_THROWS_AS(read_socket_dump(message(SOCK_DIAG_BY_FAMILY, listener("::1", 1, 7), NLM_F_DUMP_INTR), found),
                  Error);
  CHECK_THROWS_AS(read_socket_dump(one.substr(0, one.size() - 4), found), Error);
  CHECK_THROWS_AS(read_socket_dump(one + "1234", found), Error);
  CHECK_THROWS_AS(read_socket_dump(message(SOCK_DIAG_BY_FAMILY, 0), found), Error);
  CHECK_THROWS_AS(read_socket_dump(message(77, 0), found), Error);
}

TEST_CASE("sockets: addresses are as a connection names them") {
  std::vector<TcpSocket> found;
  for (const char* address : {"0.0.0.0", "::", "::1", "::ffff:127.0.0.2", "fe80::1"})
    read_socket_dump(message(SOCK_DIAG_BY_FAMILY, listener(address, 1, 0)), found);
  std::vector<std::string> addresses;
  for (const TcpSocket& s : found) addresses.push_back(s.address);
  CHECK(addresses == std::vector<std::string>{"0.0.0.0", "::", "::1", "127.0.0.2", "fe80::1"});
}

TEST_CASE(
    "sockets: who gets a connection is the one that listens at its address, and nobody if it is not clear") {
  CHECK(gets({at("127.0.0.1", 1)}, "127.0.0.1") == 1u);
  CHECK(gets({at("0.0.0.0", 1)}, "127.0.0.1") == 1u);
  CHECK(gets({at("::", 1, false)}, "127.0.0.1") == 1u);
  CHECK(gets({at("::", 1, true)}, "::1") == 1u);
  CHECK_FALSE(gets({at("::", 1, true)}, "127.0.0.1"));
  CHECK_FALSE(gets({at("127.0.0.2", 1)}, "127.0.0.1"));
  CHECK_FALSE(gets({at("0.0.0.0", 1)}, "::1"));
  CHECK(gets({at("::1", 2), at("127.0.0.1", 1)}, "127.0.0.1") == 1u);
  CHECK_FALSE(gets({at("0.0.0.0", 1), at("127.0.0.1", 2)}, "127.0.0.1"));
  CHECK_FALSE(listener_at({at("127.0.0.1", 1)}, "127.0.0.1", 8889));
  TcpSocket connected = at("127.0.0.1", 1);
  connected.listening = false;
  CHECK_FALSE(gets({connected}, "127.0.0.1"));
}

TEST_CASE("sockets: real listeners have their addresses, for IPv6 too") {
  const ListeningSocket four(AF_INET, "127.0.0.1"), every(AF_INET, "0.0.0.0");
  const auto all = listening_sockets();
  CHECK(std::all_of(all.begin(), all.end(), [](const TcpSocket& s) { return s.listening; }));
  const auto one = listener_at(all, "127.0.0.1", four.port());
  REQUIRE(one);
  CHECK(one->address == "127.0.0.1");
  CHECK(one->uid == ::geteuid());
  CHECK(one->cookie != 0);
  CHECK(listener_at(all, "127.0.0.1", every.port())->address == "0.0.0.0");
  const Handle six(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!six) return;  // a kernel without IPv6
  const ListeningSocket both(AF_INET6, "::");
  const auto now = listening_sockets();
  CHECK(listener_at(now, "::1", both.port())->address == "::");
  CHECK(listener_at(now, "127.0.0.1", both.port())->address == "::");  // unless it takes IPv6 alone
}
