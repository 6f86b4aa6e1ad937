#include "domains/packages/apt_output.hpp"
#include "domains/packages/package_locks.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include "base/edit_distance.hpp"
#include "base/error.hpp"
#include "support/catch.hpp"

using namespace mlops;

TEST_CASE("a simulation lists the requested packages first, then dependencies by name") {
  const auto changes = parse_simulation(R"(NOTE: This is only a simulation!
      apt-get needs root privileges for real execution.
Inst libonig5 (6.9.8-1 Debian:12.15/oldstable [amd64])
Inst libjq1 (1.6-2.1+deb12u2 Debian:12.15/oldstable [amd64])
Remv oldjq [1.2-1]
Inst bash [5.2.15-2+b2] (5.2.15-2+b7 Debian:12.5/stable [amd64]) []
Inst jq (1.6-2.1+deb12u2 Debian:12.15/oldstable [amd64])
Conf libonig5 (6.9.8-1 Debian:12.15/oldstable [amd64])
Conf jq (1.6-2.1+deb12u2 Debian:12.15/oldstable [amd64])
)",
                                        {"jq:amd64", "bash"});
  const std::vector<PackageChange> expected = {{"jq", "", "1.6-2.1+deb12u2"},
                                               {"bash", "5.2.15-2+b2", "5.2.15-2+b7"},
                                               {"libjq1", "", "1.6-2.1+deb12u2"},
                                               {"libonig5", "", "6.9.8-1"},
                                               {"oldjq", "1.2-1", ""}};
  CHECK(changes == expected);
}

TEST_CASE("names, versions and virtual packages that the index does not have are found in apt's errors") {
  const std::string output = R"(Reading package lists...
E: Unable to locate package dokcer.io
E: Couldn't find any package by glob 'dokcer.io'
E: Couldn't find any package by regex 'dokcer.io'
E: Package 'awk' has no installation candidate
E: Version '1.2' for 'jq' was not found
)";
  CHECK(parse_unknown(output, {"tree", "dokcer.io", "awk", "jq=1.2", "bash"}) ==
        std::vector<std::string>{"dokcer.io", "awk", "jq=1.2"});
}

TEST_CASE("a simulation that failed for another reason has no unknown names") {
  CHECK(parse_unknown("E: Held packages were changed and -y was used without --allow-change-held-packages.\n",
                      {"bash"})
            .empty());
}

TEST_CASE("the download size is the sum of what apt would fetch") {
  CHECK(parse_uris(
            R"('http://deb.example/pool/libonig5_6.9.8-1_amd64.deb' libonig5_6.9.8-1_amd64.deb 187828 MD5Sum:7e
'http://deb.example/pool/tree_2.1.0-1_amd64.deb' tree_2.1.0-1_amd64.deb 52464 SHA256:a1
)") == 240292);
  CHECK(parse_uris("") == 0);
}

TEST_CASE("a policy has the candidate, nothing for a name without one, and leaves unknown names out") {
  const auto found = parse_policy(R"(jq:
  Installed: (none)
  Candidate: 1.6-2.1+deb12u2
  Version table:
     1.6-2.1+deb12u2 500
        500 http://deb.example/debian bookworm/main amd64 Packages
awk:
  Installed: (none)
  Candidate: (none)
  Version table:
)");
  const std::map<std::string, std::string> expected = {{"jq", "1.6-2.1+deb12u2"}, {"awk", ""}};
  CHECK(found == expected);
}

TEST_CASE("an index that could not be fetched is named with its cause") {
  CHECK(parse_fetch_failure(R"(Err:1 http://deb.example/debian bookworm InRelease
  Temporary failure resolving 'deb.example'
Reading package lists...
W: Failed to fetch http://deb.example/debian/dists/bookworm/InRelease  Temporary failure resolving 'deb.example'
W: Some index files failed to download. They have been ignored, or old ones used instead.
)") == "http://deb.example/debian/dists/bookworm/InRelease: Temporary failure resolving 'deb.example'");
  CHECK(parse_fetch_failure(
            "E: The repository 'http://deb.example sid Release' does not have a Release file.\n") ==
        "The repository 'http://deb.example sid Release' does not have a Release file.");
  CHECK(parse_fetch_failure("Hit:1 http://deb.example/debian bookworm InRelease\n").empty());
}

TEST_CASE("status lines give progress and are not shown") {
  const auto download = parse_status_line("dlstatus:1:12.5:Retrieving file 1 of 4 (3s remaining)");
  REQUIRE(download);
  CHECK(download->downloading);
  CHECK(download->percent == 12.5);
  const auto unpack = parse_status_line("pmstatus:libc6:i386:45.5000:Unpacking libc6 (i386)");
  REQUIRE(unpack);
  CHECK_FALSE(unpack->downloading);
  CHECK(unpack->text == "Unpacking libc6 (i386)");
  CHECK_FALSE(parse_status_line("Unpacking jq (1.6) ..."));
  CHECK_FALSE(parse_status_line("pmstatus:broken"));
  CHECK(without_status_lines("NOTE: This is only a simulation!\n      so\nA\npmstatus:x:1:B\n      C\n") ==
        "A\n      C\n");
}

TEST_CASE("apt's errors become one message") {
  CHECK(error_lines("E: first\nnoise\nE: second\nW: not this\n") == "first; second");
  CHECK(error_lines("all is well\n").empty());
}

TEST_CASE("the names nearest to a mistyped one come nearest first, at most five") {
  CHECK(nearest_names("dokcer.io", {"docker.io", "docker2aci", "bash", "dokujclient"}) ==
        std::vector<std::string>{"docker.io"});
  CHECK(nearest_names("jq", {"jp", "jo", "js", "aq", "bq", "cq", "jqq", "xy"}).size() == 5);
  CHECK(nearest_names("abc", {"xyz"}).empty());
}

TEST_CASE("the edit distance counts a swap as one and stops at its limit") {
  CHECK(edit_distance_within("dokcer", "docker", 3) == 1);
  CHECK(edit_distance_within("kitten", "sitting", 5) == 3);
  CHECK(edit_distance_within("kitten", "sitting", 2) == 3);
  CHECK(edit_distance_within("abcdef", "ghijkl", 2) == 3);
  CHECK(edit_distance_within("", "ab", 2) == 2);
  CHECK(edit_distance_within("same", "same", 0) == 0);
}

namespace {

// A child that holds a lock on a file until it is destroyed.
struct Holder {
  std::string path;
  pid_t pid = 0;
  Holder() {
    char name[] = "/tmp/lock-XXXXXX";
    ::close(::mkstemp(name));
    path = name;
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid = ::fork();
    if (pid == 0) {
      const int fd = ::open(path.c_str(), O_RDWR);
      struct flock lock = {};
      lock.l_type = F_WRLCK;
      ::fcntl(fd, F_SETLK, &lock);
      ::close(ready[1]);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char end;
    while (::read(ready[0], &end, 1) > 0) {
    }
    ::close(ready[0]);
  }
  ~Holder() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    ::unlink(path.c_str());
  }
};

}  // namespace

TEST_CASE("the process that holds a lock is found by number and name") {
  const Holder holder;
  const std::vector<PackageLock> locks = {{"/nonexistent/lock", "nobody's lock"}, {holder.path, "dpkg's lock"}};
  const auto found = lock_holder(locks);
  REQUIRE(found);
  CHECK(found->pid == holder.pid);
  CHECK_FALSE(found->name.empty());
  CHECK(to_text(LockHolder{812, "unattended-upgr", locks[1]}) ==
        "unattended-upgr (pid 812), which holds dpkg's lock (" + holder.path + ")");
}

TEST_CASE("waiting for a lock ends with the holder's name when the time is over") {
  const Holder holder;
  const Cancellation cancellation;
  std::string doing;
  try {
    wait_for_locks({{holder.path, "dpkg's lock"}}, 0, cancellation,
                   [&](const Progress& p) { doing = p.doing; });
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.message().starts_with("waited 0 s for "));
    CHECK(error.message().find("(pid " + std::to_string(holder.pid) + "), which holds dpkg's lock") !=
          std::string::npos);
  }
}

TEST_CASE("waiting for a lock ends when the lock is given back, and when the person interrupts") {
  Cancellation cancellation;
  auto holder = std::make_unique<Holder>();
  const std::vector<PackageLock> locks = {{holder->path, "dpkg's lock"}};
  std::string doing;
  wait_for_locks(locks, 60, cancellation, [&](const Progress& p) {
    doing = p.doing;
    holder.reset();
  });
  CHECK(doing.starts_with("waiting for "));
  const Holder another;
  try {
    wait_for_locks({{another.path, "dpkg's lock"}}, 60, cancellation,
                   [&](const Progress&) { cancellation.cancel(); });
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::cancelled);
  }
}
