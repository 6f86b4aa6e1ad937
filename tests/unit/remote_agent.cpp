// How this program gets onto a host, with shells of this machine in the place of hosts and a small program in
// place of the agent. The agent itself, over ssh, on real hosts: tests/hosts/test_9_reaching.py.
#include "deploy/remote_agent.hpp"

#include <glob.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "deploy/scripts.hpp"
#include "support/catch.hpp"
#include "support/local_connection.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

void must(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
}

std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  for (int c; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  ::pclose(pipe);
  return text;
}

// In place of the agent: prints its arguments and, when asked, its environment or its path; then repeats what
// it reads.
constexpr const char* program = R"(#!/bin/sh
[ "$1" = bundle-check ] && exit 0
[ "$1" = where ] && exec echo "$0"
[ "$1" = environment ] && exec env
echo "VERSION runs: $*"
cat
)";
// One that only runs through its loader.
constexpr const char* newer_program = R"(#!/bin/sh
[ "$LOADED" ] || { echo "version GLIBC_2.36 not found" >&2; exit 1; }
[ "$1" = bundle-check ] && exit 0
echo "VERSION runs: $*"
)";
constexpr const char* loader = R"(#!/bin/sh
[ "$1" = --library-path ] && [ -d "$2" ] || exit 9
shift 2
LOADED=yes exec "$@"
)";

class BundleFolder {
 public:
  Bundle make(const std::string& version, std::string text = program,
              const std::string& architecture = "x86_64") {
    const std::string root = folder_.folder(version);
    text.replace(text.find("VERSION"), 7, version);
    for (const char* name : {"bin", "backends", "lib", "glibc"}) folder_.folder(version + "/" + name);
    folder_.file(version + "/bin/mlops-agent", text, 0755);
    folder_.file(version + "/backends/curl.so", "curl " + version + std::string(3'000'000, '.'));
    folder_.file(version + "/lib/libz.so.1", "z");
    folder_.file(version + "/glibc/ld-test.so.2", loader, 0755);
    folder_.file(version + "/ABOUT", "version " + version + "\n");
    must("cd " + root + " && sha256sum ABOUT */* >SUMS && tar -czf ../" + version + ".tar.gz *");
    Bundle b{.id = sha256_hex(content_of(root + "/SUMS")),
             .archive = folder_ / (version + ".tar.gz"),
             .version = version,
             .architecture = architecture,
             .interpreter = "/lib/ld-test.so.2",
             .unpacked = 3'001'000,
             .files = 6};
    b.size = static_cast<std::uint64_t>(status_of(b.archive).st_size);
    return b;
  }

 private:
  TemporaryFolder folder_;
};

struct World {
  BundleFolder bundles;
  LocalConnection host;
  Cancellation cancellation;
  RemoteStart start{.arguments = "serve --all", .bundle = bundles.make("one"), .bundle_for = nullptr};
  std::string agents = host.folder / "home/.cache/mlops-agent/agents";

  RemoteProgram begin() { return start_remote_agent(host, start, cancellation, nullptr); }
  // Starts it, ends its input, and returns what it prints.
  std::string run(bool sent) {
    const RemoteProgram far = begin();
    CHECK(far.sent == sent);
    CHECK(far.bytes_sent == (sent ? start.bundle.size : 0));
    ::shutdown(far.channel->fd(), SHUT_WR);
    return static_cast<LocalChannel&>(*far.channel).rest();
  }
  std::string failure() {
    try {
      begin();
    } catch (const Error& e) {
      CHECK(e.kind() == ErrorKind::unavailable);
      return e.what();
    }
    return "";
  }
  std::string place(const std::string& name = "") const { return agents + "/" + start.bundle.id + "/" + name; }
  std::string listed(const std::string& folder) const { return output_of("ls -A " + folder); }

  // The host's file systems are its own: mounts that a login shell makes first are seen by nobody else.
  void mount_first(const std::string& script) {
    const std::string own = "for d in /var/tmp /dev/shm /run; do mount -t tmpfs none $d || exit 9; done; ";
    host.login_shell = {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
                        own + script + "; exec /bin/sh -c \"$0\""};
  }
};

using Catch::Contains;
using Catch::StartsWith;

}  // namespace

TEST_CASE("a host that has nothing gets the program and starts it; the second time it is only started") {
  World w;
  CHECK(w.run(true) == "one runs: serve --all\n");
  CHECK(w.listed(w.agents) == w.start.bundle.id + "\n");
  CHECK(mode_of(w.agents) == 0700);
  CHECK(w.run(false) == "one runs: serve --all\n");
  CHECK(w.host.channels == 2);
}

TEST_CASE("the channel stands right behind the program's first byte, in both directions") {
  World w;
  for (const bool sent : {true, false}) {
    const RemoteProgram far = w.begin();
    CHECK(far.sent == sent);
    const std::string said = "\x01\n\xff from here";
    REQUIRE(::write(far.channel->fd(), said.data(), said.size()) == static_cast<ssize_t>(said.size()));
    ::shutdown(far.channel->fd(), SHUT_WR);
    CHECK(static_cast<LocalChannel&>(*far.channel).rest() == "one runs: serve --all\n" + said);
    CHECK(far.channel->wait() == 0);
  }
}

TEST_CASE("any login shell will do") {
  World w;
  const std::vector<std::vector<std::string>> shells = {{"/bin/dash", "-c"},
                                                        {"/bin/bash", "-c"},
                                                        {"/bin/bash", "-lc"},
                                                        {"/usr/bin/fish", "-c"},
                                                        {"/usr/bin/zsh", "-c"},
                                                        {"/usr/bin/tcsh", "-c"},
                                                        {"/usr/bin/busybox", "sh", "-c"}};
  for (const auto& shell : shells) {
    INFO(shell[0]);
    if (!is_there(shell[0])) {
      std::fprintf(stderr, "!!! NOT TESTED, is not installed: %s\n", shell[0].c_str());
      continue;
    }
    w.host.login_shell = shell;
    must("rm -rf " + w.agents);
    CHECK(w.run(true) == "one runs: serve --all\n");
    CHECK(w.run(false) == "one runs: serve --all\n");
  }
}

TEST_CASE("the start command contains nothing that a shell interprets between single quotes") {
  World w;
  const std::string command = start_command(w.start.bundle, "mark", "serve");
  const std::string_view prefix = "exec sh -c '";
  REQUIRE(command.starts_with(prefix));
  CHECK(command.find('\'', prefix.size()) == command.size() - 1);
  CHECK(command.find_first_of("\\!\n") == std::string::npos);
  CHECK_THROWS_WITH(start_command(w.start.bundle, "mark", "serve; rm"),
                    Contains("cannot stand in a shell's text"));
  CHECK_THROWS(start_command(w.start.bundle, "it's", "serve"));
}

TEST_CASE("where the tools are busybox's it works too") {
  World w;
  if (!is_there("/usr/bin/busybox")) {
    std::fprintf(stderr, "!!! NOT TESTED, is not installed: busybox\n");
    return;
  }
  const std::string tools = w.host.folder.folder("tools");
  must("busybox --install -s " + tools);
  w.host.environment["PATH"] = tools;
  w.host.login_shell = {tools + "/sh", "-c"};
  CHECK(w.run(true) == "one runs: serve --all\n");
  CHECK(w.run(false) == "one runs: serve --all\n");
}

TEST_CASE("what a login shell prints first is skipped, up to a limit") {
  World w;
  const auto greet = [&](const std::string& text) {
    w.host.login_shell = {"/bin/sh", "-c", text + "; exec /bin/sh -c \"$0\""};
  };
  greet("echo Welcome; printf mlops; echo bye >&2");
  CHECK(w.run(true) == "one runs: serve --all\n");
  greet("head -c 60000 /dev/zero");
  CHECK(w.run(false) == "one runs: serve --all\n");
  greet("yes Welcome");
  CHECK_THAT(w.failure(),
             Contains("prints more than 64 KiB before it runs a command: …") && Contains("Welcome Welcome"));
}

TEST_CASE("a refused login is reported in the host's words") {
  World w;
  w.host.login_shell = {"/usr/sbin/nologin", "-c"};
  CHECK_THAT(w.failure(), Contains("started no POSIX shell") && Contains("exit status 1") &&
                              Contains("This account is currently not available."));
  w.host.login_shell = {"/bin/sh", "-c", "exec /no/such/sh"};
  CHECK_THAT(w.failure(), Contains("exit status 127") && Contains("/no/such/sh"));
}

TEST_CASE("a bundle of another architecture is sent where there is one") {
  World w;
  const std::string tools = w.host.folder.folder("tools");
  w.host.folder.file("tools/uname", "#!/bin/sh\n[ $1 = -s ] && echo ${SYSTEM:-Linux} || echo aarch64\n", 0755);
  w.host.environment["PATH"] = tools + ":/usr/bin:/bin";
  std::string asked;
  w.start.bundle_for = [&](const std::string& architecture) -> Bundle {
    asked = architecture;
    throw Error("there is no bundle for " + architecture, ErrorKind::unavailable);
  };
  CHECK(w.failure() == "there is no bundle for aarch64");
  CHECK_FALSE(is_there(w.agents));

  const Bundle other = w.bundles.make("arm", program, "aarch64");
  w.start.bundle_for = [&](const std::string&) { return other; };
  {
    const RemoteProgram far = w.begin();
    CHECK(far.bytes_sent == other.size);
  }
  const RemoteProgram far = w.begin();
  CHECK_FALSE(far.sent);
  ::shutdown(far.channel->fd(), SHUT_WR);
  CHECK(static_cast<LocalChannel&>(*far.channel).rest() == "arm runs: serve --all\n");
  CHECK(w.listed(w.agents) == other.id + "\n");

  w.host.environment["SYSTEM"] = "FreeBSD";
  CHECK(w.failure() == "it runs FreeBSD; mlops-agent manages Linux");
}

TEST_CASE("the bundled loader starts the program where the host's own cannot") {
  World w;
  w.start.bundle = w.bundles.make("two", newer_program);
  CHECK(w.run(true) == "two runs: serve --all\n");
  CHECK_THAT(content_of(w.place("start")), Contains("glibc/ld-test.so.2"));
  CHECK(w.run(false) == "two runs: serve --all\n");

  w.start.bundle = w.bundles.make("three", "#!/bin/sh\n# VERSION\necho no luck >&2\nexit 1\n");
  const std::string said = w.failure();
  CHECK_THAT(said, Contains("no folder there to keep mlops-agent in") && Contains("it does not run: no luck"));
  CHECK_FALSE(is_there(w.place()));
  CHECK_FALSE(is_there("/dev/shm/mlops-agent-" + std::to_string(::geteuid())));
}

TEST_CASE("variables of the loader's do not reach the program") {
  World w;
  w.start.arguments = "environment";
  w.host.environment["LD_LIBRARY_PATH"] = "/opt/cuda/lib64";
  w.host.environment["LD_PRELOAD"] = "";
  const std::string said = w.run(true);
  CHECK_THAT(said, Contains("HOME=") && !Contains("LD_"));
}

TEST_CASE("what was changed over there is verified before use") {
  World w;
  w.run(true);
  SECTION("a file that was only touched is still right") { must("touch " + w.place("lib/libz.so.1")); }
  SECTION("nor is its note needed") { must("rm " + w.place(".ready")); }
  SECTION("nor how to start it") { must("rm " + w.place("start")); }
  CHECK(w.run(false) == "one runs: serve --all\n");
}

TEST_CASE("what was damaged over there is sent again") {
  World w;
  w.run(true);
  SECTION("one byte, in a file of the same size") {
    must("printf X | dd of=" + w.place("backends/curl.so") + " bs=1 seek=2000000 conv=notrunc status=none");
  }
  SECTION("a file that is cut") { must("truncate -s 100 " + w.place("bin/mlops-agent")); }
  SECTION("a file that is gone") { must("rm " + w.place("lib/libz.so.1")); }
  SECTION("the list of digests") { must("echo >>" + w.place("SUMS")); }
  SECTION("nothing but the folder is left") { must("rm -rf " + w.place("*")); }
  CHECK(w.run(true) == "one runs: serve --all\n");
  CHECK(w.listed(w.agents) == w.start.bundle.id + "\n");
  CHECK(w.run(false) == "one runs: serve --all\n");
}

TEST_CASE("of older ones the newest stays, and what a process runs from") {
  World w;
  w.start.bundle = w.bundles.make("zero");
  w.run(true);
  // In use: a program that was started from its folder. A script's process is its interpreter's, so a copy of
  // one.
  must("cp /bin/sleep " + w.place("bin/sleep"));
  const std::string in_use = w.start.bundle.id;
  const pid_t sleeper = ::fork();
  if (sleeper == 0) {
    ::execl(w.place("bin/sleep").c_str(), "sleep", "60", nullptr);
    ::_exit(127);
  }
  while (output_of("readlink /proc/" + std::to_string(sleeper) + "/exe").find(in_use) == std::string::npos)
    std::this_thread::yield();
  must("touch -d '-5 minutes' " + w.place());
  std::vector<std::string> ids;
  for (const char* version : {"one", "two", "three"}) {
    w.start.bundle = w.bundles.make(version);
    ids.push_back(w.start.bundle.id);
    w.run(true);
    must("touch -d '-" + std::to_string(5 - ids.size()) + " minutes' " + w.place());
  }
  CHECK(is_there(w.agents + "/" + in_use));
  CHECK_FALSE(is_there(w.agents + "/" + ids[0]));
  CHECK(is_there(w.agents + "/" + ids[1]));
  CHECK(is_there(w.agents + "/" + ids[2]));
  ::kill(sleeper, SIGKILL);
  ::waitpid(sleeper, nullptr, 0);
  must("mkdir " + w.agents + "/.new-left && touch -d '-2 hours' " + w.agents + "/.new-left");
  w.start.bundle = w.bundles.make("four");
  w.run(true);
  CHECK_FALSE(is_there(w.agents + "/" + in_use));
  CHECK_FALSE(is_there(w.agents + "/.new-left"));
}

TEST_CASE("a connection that breaks while the bundle is sent leaves nothing, and the next one sends it") {
  World w;
  const std::string mark = "broken";
  {
    const auto channel = w.host.run(start_command(w.start.bundle, mark, "serve"));
    const std::string script = unpack_script(w.start.bundle);
    const std::string told = std::to_string(script.size()) + "\n" + script;
    REQUIRE(::write(channel->fd(), told.data(), told.size()) == static_cast<ssize_t>(told.size()));
    std::string said;
    for (char c; said.find("broken send\n") == std::string::npos && ::read(channel->fd(), &c, 1) == 1;)
      said += c;
    REQUIRE(said.find("broken send\n") != std::string::npos);
    const std::string half = content_of(w.start.bundle.archive).substr(0, w.start.bundle.size / 2);
    REQUIRE(::write(channel->fd(), half.data(), half.size()) == static_cast<ssize_t>(half.size()));
    ::shutdown(channel->fd(), SHUT_RDWR);
    channel->wait();
  }
  CHECK(w.listed(w.agents) == "");
  CHECK(w.run(true) == "one runs: serve --all\n");
}

TEST_CASE("several at once get one program") {
  World w;
  std::vector<std::thread> threads;
  std::vector<std::string> said(6);
  for (std::string& text : said)
    threads.emplace_back([&] {
      LocalConnection host;
      host.environment = w.host.environment;
      const RemoteProgram far = start_remote_agent(host, w.start, w.cancellation, nullptr);
      ::shutdown(far.channel->fd(), SHUT_WR);
      text = static_cast<LocalChannel&>(*far.channel).rest();
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(said == std::vector<std::string>(6, "one runs: serve --all\n"));
  CHECK(w.listed(w.agents) == w.start.bundle.id + "\n");
  CHECK(w.run(false) == "one runs: serve --all\n");
}

TEST_CASE("what is missing on the host for unpacking is named") {
  if (!is_root("programs missing on the host")) return;
  World w;
  const std::string tools = w.host.folder.folder("tools");
  for (const char* name : {"sh", "cat", "id", "uname", "dd"})
    must(std::string("cp $(readlink -f /bin/") + name + ") " + tools + "/" + name);
  w.host.login_shell = {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
                        "mount --bind " + tools + " /usr/bin; exec sh -c \"$0\""};
  CHECK_THAT(w.failure(),
             Contains("the host lacks what unpacks mlops-agent there; install: tar gzip sha256sum"));
}

TEST_CASE(
    "a home that cannot be written, is full or lets nothing be executed is passed by for the next folder") {
  if (!is_root("folders on the host")) return;
  World w;
  const std::string home = w.host.folder / "home";
  std::string why;
  SECTION("read-only") {
    w.mount_first("mount --bind " + home + " " + home + " && mount -o remount,bind,ro " + home);
    why = "Read-only file system";
  }
  SECTION("full") {
    w.mount_first("mount -t tmpfs -o size=1M none " + home);
    why = "no space left: ";
  }
  SECTION("noexec") {
    w.mount_first("mount -t tmpfs -o noexec none " + home);
    why = "no program can be executed there (mounted noexec?): ";
  }
  SECTION("no home at all") {
    w.mount_first("mount -t tmpfs none " + home);
    w.host.environment.erase("HOME");
  }
  CHECK(w.run(true) == "one runs: serve --all\n");
  CHECK(w.listed(w.host.folder / "home") == "");
  if (why.empty()) return;

  for (const char* option : {"ro", "noexec", "size=64k"})
    w.host.login_shell[4] = "for d in /var/tmp /dev/shm /run /tmp; do mount -t tmpfs -o " +
                            std::string(option) + " none $d; done; exec /bin/sh -c \"$0\"";
  const std::string all = w.failure();
  CHECK_THAT(all, Contains("/var/tmp/mlops-agent-0: no space left: ") && Contains("/tmp/mlops-agent-0: ") &&
                      Contains("/dev/shm/mlops-agent-0: ") && Contains("/run/user/0/mlops-agent: "));
}

TEST_CASE("a folder that was made and cannot be used is removed again, and one that was there stays") {
  if (!is_root("folders on the host")) return;
  World w;
  const std::string home = w.host.folder / "home";
  w.mount_first("mount --bind " + home + " " + home + " && mount -o remount,bind,noexec " + home);
  const bool before = GENERATE(false, true);
  if (before) must("mkdir -p " + w.agents);
  CHECK(w.run(true) == "one runs: serve --all\n");
  CHECK(is_there(w.agents) == before);
  if (before) CHECK(w.listed(w.agents) == "");
}

TEST_CASE("a disk that fills up while the bundle is unpacked is passed by as well") {
  if (!is_root("folders on the host")) return;
  World w;
  const std::string home = w.host.folder / "home";
  w.start.bundle.unpacked = w.start.bundle.files = 0;  // there seems to be room: 2 MiB are asked for besides
  w.mount_first("mount -t tmpfs -o size=2200k none " + home);
  w.start.arguments = "where";
  const RemoteProgram far = w.begin();
  CHECK(far.bytes_sent == 2 * w.start.bundle.size);
  CHECK_THAT(static_cast<LocalChannel&>(*far.channel).rest(), StartsWith("/var/tmp/mlops-agent-0/"));
}

TEST_CASE("a folder in /var/tmp that somebody else has planted is not used") {
  if (!is_root("folders on the host")) return;
  World w;
  w.host.environment.erase("HOME");
  w.start.arguments = "where";
  std::string planted;
  SECTION("a folder of another's") { planted = "mkdir -m 777 $p; chown 65534 $p"; }
  SECTION("a link") { planted = "mkdir /var/tmp/x; ln -s x $p"; }
  SECTION("a file") { planted = ": >$p"; }
  w.mount_first("mount -t tmpfs none /tmp; p=/var/tmp/mlops-agent-0; " + planted);
  CHECK_THAT(w.run(true), StartsWith("/tmp/mlops-agent-0/"));
}

TEST_CASE("a folder that is given another place while it is filled gets nothing into what another put there") {
  if (!is_root("folders on the host")) return;
  World w;
  w.host.environment.erase("HOME");
  w.start.arguments = "where";
  // What comes between the judgement and the unpacking, as another user could do it at any time.
  const std::string evil = w.host.folder.folder("evil", 0777), tools = w.host.folder.folder("tools");
  w.host.folder.file(
      "tools/df",
      "#!/bin/sh\nif [ ! -h /var/tmp/mlops-agent-0 ]; then mv /var/tmp/mlops-agent-0 /var/tmp/ours; ln -s " +
          evil + " /var/tmp/mlops-agent-0; fi; exec /bin/df \"$@\"\n",
      0755);
  w.host.environment["PATH"] = tools + ":/usr/bin:/bin";
  const std::string keep =
      "mkdir /run/keep; mount --bind " + w.host.folder / "" + " /run/keep; mount -t tmpfs none /tmp; ";
  w.mount_first(keep + "mkdir -p " + (w.host.folder / "") + "; mount --bind /run/keep " + (w.host.folder / ""));
  const RemoteProgram far = w.begin();
  ::shutdown(far.channel->fd(), SHUT_WR);
  CHECK_THAT(static_cast<LocalChannel&>(*far.channel).rest(), StartsWith("/tmp/mlops-agent-0/"));
  CHECK(w.listed(evil) == "");
}

TEST_CASE("a folder that others may write to, or that lies where they may rename it, is not used") {
  if (!is_root("folders on the host")) return;
  World w;
  w.host.environment.erase("HOME");
  w.start.arguments = "where";
  std::string planted;
  SECTION("the folder") { planted = "mkdir /var/tmp/mlops-agent-0; chmod 775 /var/tmp/mlops-agent-0"; }
  SECTION("the one above it") { planted = "chmod 777 /var/tmp"; }
  w.mount_first("mount -t tmpfs none /tmp; " + planted);
  CHECK_THAT(w.run(true), StartsWith("/tmp/mlops-agent-0/"));
}

TEST_CASE("a host that answers nonsense ends it with a message") {
  World w;
  const auto host_says = [&](const std::string& script) {
    // $0 is the start command; the mark stands behind m=.
    w.host.login_shell = {"/bin/sh", "-c", "m=${0#*m=}; m=${m%%;*}; " + script};
  };
  host_says("echo $m send; cat >/dev/null");
  CHECK(w.failure() == "the host answers what is not understood: send");
  host_says("echo \"$m \"; cat >/dev/null");
  CHECK(w.failure() == "the host answers what is not understood: ");
  host_says("echo $m missing; cat >/dev/null");
  CHECK(w.failure() == "the host answers what is not understood: missing");
  host_says("printf \"$m \"; head -c 100000 /dev/zero");
  CHECK_THAT(w.failure(), Contains("prints more than"));
  host_says("echo $m missing Linux x86_64; echo why >&2; exit 3");
  CHECK_THAT(w.failure(), Contains("stopped in the middle") && Contains("exit status 3") && Contains("why"));
  host_says("echo $m missing Linux x86_64; echo $m tried a: b; echo $m tried c: d; echo $m nowhere");
  CHECK_THAT(w.failure(), Contains("no folder there") && Contains("a: b; c: d"));
  host_says("echo $m missing Linux x86_64; yes $m tried a: b");
  CHECK(w.failure() == "the host answers what is not understood: tried");
}

TEST_CASE("waiting for a host ends when the person interrupts") {
  World w;
  w.host.login_shell = {"/bin/sh", "-c", "sleep 60"};
  std::thread person([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    w.cancellation.cancel();
  });
  try {
    w.begin();
    FAIL("it was started");
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::cancelled);
  }
  person.join();
}
