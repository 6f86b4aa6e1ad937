// Real sockets of this process, and tables as the kernel prints them in a folder of the test's own.
#include "domains/network/listeners.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "support/listening_socket.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

// As tcp4_seq_show in the kernel's net/ipv4/tcp_ipv4.c prints it.
constexpr const char* header =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

}  // namespace

TEST_CASE("a socket of this process that listens is found, with its program") {
  const ListeningSocket socket(AF_INET, "127.0.0.1");
  const auto found = listener_on("127.0.0.1", socket.port());
  REQUIRE(found);
  CHECK(found->address == "127.0.0.1");
  CHECK(found->port == socket.port());
  CHECK(found->uid == ::getuid());
  CHECK(found->pid == ::getpid());
  CHECK(found->program == "unit-tests");
  CHECK(describe(*found).find(std::string("unit-tests (pid ") + std::to_string(::getpid())) == 0);
}

TEST_CASE("a port where nobody listens, or that is only bound, has no listener") {
  const ListeningSocket bound(AF_INET, "127.0.0.1", false);
  CHECK_FALSE(listener_on("127.0.0.1", bound.port()));
  std::uint16_t free_port = 0;
  {
    const ListeningSocket gone(AF_INET, "127.0.0.1");
    free_port = gone.port();
  }
  CHECK_FALSE(listener_on("127.0.0.1", free_port));
}

TEST_CASE("a socket on all addresses is in the way of each; one on another address is not") {
  const ListeningSocket all(AF_INET, "0.0.0.0"), one(AF_INET, "127.0.0.2"), both(AF_INET6, "::");
  CHECK(listener_on("127.0.0.1", all.port())->address == "0.0.0.0");
  CHECK(listener_on("0.0.0.0", all.port()));
  CHECK(listener_on("127.0.0.1", both.port())->address == "::");
  CHECK(listener_on("::1", both.port()));
  CHECK_FALSE(listener_on("127.0.0.1", one.port()));
  CHECK(listener_on("0.0.0.0", one.port())->address == "127.0.0.2");
}

TEST_CASE("the IPv6 loopback is not the IPv4 one") {
  const ListeningSocket six(AF_INET6, "::1");
  CHECK_FALSE(listener_on("127.0.0.1", six.port()));
  CHECK(listener_on("::1", six.port())->pid == ::getpid());
}

TEST_CASE("who listens on a Unix socket is found by its path, and a file left behind has nobody") {
  const TemporaryFolder folder;
  const std::string path = folder / "a socket";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  CHECK_FALSE(listener_on_socket(path));
  REQUIRE(::listen(fd, 1) == 0);
  const auto found = listener_on_socket(path);
  REQUIRE(found);
  CHECK(found->pid == ::getpid());
  CHECK(found->address == path);
  CHECK_FALSE(listener_on_socket(path + "x"));
  ::close(fd);
  CHECK_FALSE(listener_on_socket(path));
}

TEST_CASE("the kernel's tables are read as far as sockets listen; names and units come from the process") {
  const TemporaryFolder folder;
  const std::string proc = folder / "";
  std::filesystem::create_directories(proc + "/net");
  std::filesystem::create_directories(proc + "/812/fd");
  std::ofstream(proc + "/net/tcp")
      << header << "   0: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 " << ::getuid()
      << "        0 4711 1 0000000000000000 100 0 0 10 0\n"
      << "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 4712 1 0\n"
      << "   2: 0100007F:A8F2 0100007F:22B8 01 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0\n"
      << "   3: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 4714 1 "
         "0\n";
  std::filesystem::create_symlink("socket:[4711]", proc + "/812/fd/5");
  std::ofstream(proc + "/812/comm") << "jupyter-noteboo\n";
  std::ofstream(proc + "/812/cmdline")
      << std::string("/usr/bin/python3\0/usr/bin/jupyter-notebook\0--port=8888\0", 57);
  std::ofstream(proc + "/812/cgroup") << "0::/system.slice/jupyter-ubuntu.service\n";

  const auto jupyter = listener_on("127.0.0.1", 8888, proc);
  REQUIRE(jupyter);
  CHECK(describe(*jupyter) == "jupyter-notebook (pid 812, jupyter-ubuntu.service)");
  CHECK(jupyter->unit == "jupyter-ubuntu.service");

  const auto other = listener_on("127.0.0.1", 8080, proc);
  REQUIRE(other);
  CHECK_FALSE(other->pid);
  CHECK(describe(*other) == "a program of uid 33");

  CHECK_FALSE(listener_on("127.0.0.1", 80, proc));  // beyond the first that is connected: not as kernels print
}

TEST_CASE("a person's own programs have no unit but their session's or their manager's") {
  const TemporaryFolder folder;
  const std::string proc = folder / "";
  std::filesystem::create_directories(proc + "/net");
  std::filesystem::create_directories(proc + "/9/fd");
  std::ofstream(proc + "/net/tcp6")
      << header << "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A "
      << "00000000:00000000 00:00000000 00000000 " << ::getuid() << " 0 4711 1 0\n";
  std::filesystem::create_symlink("socket:[4711]", proc + "/9/fd/3");
  std::ofstream(proc + "/9/comm") << "nc\n";
  const auto unit = [&](const std::string& group) {
    std::ofstream(proc + "/9/cgroup") << group;
    return describe(listener_on("::1", 8080, proc).value());
  };
  CHECK(unit("0::/user.slice/user-1000.slice/session-3.scope\n") == "nc (pid 9)");
  CHECK(unit("0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n") ==
        "nc (pid 9, web.service)");
  CHECK(unit("12:cpu:/\n1:name=systemd:/system.slice/web.service\n") == "nc (pid 9, web.service)");
  CHECK(unit("0::/\n") == "nc (pid 9)");
}
