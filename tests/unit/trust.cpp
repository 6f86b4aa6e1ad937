// Whether somebody else could change what root is about to follow. Files are given away, so it runs as root.
#include "base/trust.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "hosts/controller_files.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using mlops::test::AgentFolder;
using mlops::test::content_of;
using mlops::test::Ended;
using mlops::test::TemporaryFolder;
using mlops::test::Words;

namespace {

constexpr uid_t daemon_user = 1, bin_user = 2;  // of every Debian, each with a group of its own (base-passwd)
constexpr gid_t daemon_group = 1, mail_group = 8;

std::string why(const std::string& path, uid_t caller = 0) { return distrust(path, caller).value_or(""); }

void give(const std::string& path, uid_t owner, gid_t group, mode_t mode) {
  REQUIRE(::chown(path.c_str(), owner, group) == 0);
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

}  // namespace

TEST_CASE("what belongs to root or the caller, and nobody else may write to, is trusted") {
  const TemporaryFolder t;
  t.folder("d");
  const std::string file = t.file("d/f", "x");
  CHECK(why(file) == "");
  give(file, daemon_user, daemon_group, 0644);
  CHECK(why(file, daemon_user) == "");
  CHECK(why(file) == file + " belongs to daemon");
  CHECK(why(file, bin_user) == file + " belongs to daemon");
}

TEST_CASE("a file that others may write to is not") {
  const TemporaryFolder t;
  const std::string file = t.file("f", "x", 0666);
  CHECK(why(file) == file + " is writable by everyone (mode 0666)");
  give(file, 0, mail_group, 0664);
  CHECK(why(file) == file + " is writable by the group mail (mode 0664)");
  give(file, 0, 0, 0664);
  CHECK(why(file) == "");
}

TEST_CASE("nor what lies below a folder that others may write to") {
  const TemporaryFolder t;
  const std::string folder = t.folder("d", 0777), file = t.file("d/f", "x");
  CHECK(why(file) == folder + " is writable by everyone (mode 0777)");
  ::chmod(folder.c_str(), 0755);
  CHECK(why(file) == "");
}

TEST_CASE("a sticky folder may be writable: what belongs to root and the caller stays theirs") {
  const TemporaryFolder t;
  t.folder("d", 01777);
  CHECK(why(t.file("d/f", "x")) == "");
  const std::string planted = t.file("d/g", "x", 0644, daemon_user);
  CHECK(why(planted) == planted + " belongs to daemon");
}

TEST_CASE("the caller's private group may write, another's may not") {
  const TemporaryFolder t;
  const std::string file = t.file("f", "x");
  give(file, daemon_user, daemon_group, 0664);
  CHECK(why(file, daemon_user) == "");
  give(file, daemon_user, mail_group, 0664);
  CHECK(why(file, daemon_user) == file + " is writable by the group mail (mode 0664)");
}

TEST_CASE("a link is judged with the way to what it points at") {
  const TemporaryFolder t;
  t.folder("open", 0777);
  t.file("open/f", "x");
  t.folder("d");
  CHECK(why(t.link("d/l", "../open/f")) == t / "open" + " is writable by everyone (mode 0777)");
  const std::string planted = t.link("d/m", t / "d", daemon_user);
  CHECK(why(planted + "/x") == planted + " belongs to daemon");
  t.link("d/round", "round");
  CHECK(why(t / "d/round") == "");  // nothing can be read there
}

TEST_CASE("whoever an access list lets write counts too") {
  const TemporaryFolder t;
  const std::string file = t.file("f", "x");
  struct {
    std::uint32_t version = 2;
    struct {
      std::uint16_t tag, permissions;
      std::uint32_t id;
    } entries[5] = {{0x01, 6, ~0u}, {0x02, 6, daemon_user}, {0x04, 4, ~0u}, {0x10, 6, ~0u}, {0x20, 4, ~0u}};
  } list;
  REQUIRE(::setxattr(file.c_str(), "system.posix_acl_access", &list, sizeof list, 0) == 0);
  CHECK(why(file) == file + " is writable by the user daemon (its access list)");
  CHECK(why(file, daemon_user) == "");
}

TEST_CASE("what is not there is judged as far as it is") {
  const TemporaryFolder t;
  const std::string open = t.folder("open", 0777);
  CHECK(why(open + "/not/there") == open + " is writable by everyone (mode 0777)");
  CHECK(why(t / "not/there") == "");
}

TEST_CASE("what was judged is what is read, whatever has its name by then") {
  const TemporaryFolder t;
  const std::string path = t.file("f", "judged");
  const JudgedFile file = open_judged(path, 0);
  REQUIRE(file.wrong == "");
  ::rename(t.file("g", "exchanged", 0666, daemon_user).c_str(), path.c_str());
  CHECK(read_open_whole(open_for_reading(file).get()).content == "judged");
  CHECK(open_judged(path, 0).wrong == path + " belongs to daemon");
  CHECK_FALSE(open_judged(path, 0).entry);
  CHECK(open_judged(t / "none", 0).error == ENOENT);
}

TEST_CASE("what comes and goes while it is judged is refused or absent, never read") {
  const TemporaryFolder t;
  t.folder("d", 01777);
  const std::string path = t / "d/f", planted = t / "d/planted";
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) {
      t.file("d/planted", "another's", 0644, daemon_user);
      ::rename(planted.c_str(), path.c_str());
      ::unlink(path.c_str());
    }
  });
  TrackedFiles files;
  files.guard(0, TrackedFiles::Guard::refuse);
  std::size_t read = 0, refused = 0;
  for (int i = 0; i < 20'000 || (refused == 0 && i < 2'000'000); ++i) {
    const FileBeside file = files.whole(path);
    read += file.error == 0 && file.content == "another's" ? 1 : 0;
    refused += file.refused.empty() ? 0 : 1;
  }
  done = true;
  other.join();
  CHECK(read == 0);
  CHECK(refused > 0);
}

TEST_CASE("what was given open is judged as it is: a pipe, or a file that has no name any more") {
  const TemporaryFolder t;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK(open_judged("/dev/fd/" + std::to_string(ends[0]), 0).entry);
  CHECK(why("/dev/fd/" + std::to_string(ends[0])) == "");
  ::close(ends[0]);
  ::close(ends[1]);
  const std::string path = t.file("f", "x", 0644, daemon_user);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ::unlink(path.c_str());
  CHECK_THAT(why("/dev/fd/" + std::to_string(file)), Catch::EndsWith(" belongs to daemon"));
  ::close(file);
}

TEST_CASE("as root, a secret's file that another user owns or may replace is refused") {
  AgentFolder folder;
  const std::string playbook =
      folder.write("p.json", R"({"secrets": {"key": {"file": "keys/key"}}, "resources": [
    {"type": "file", "path": "@/f", "mode": "0600", "content": "{{secrets.key}}"}]})");
  std::filesystem::create_directory(folder.path("keys"));
  const std::string key = folder.write("keys/key", "a key of eight and more");
  give(key, daemon_user, daemon_group, 0600);
  const Ended ended = folder.run({"apply", playbook});
  CHECK(ended.status == 4);
  CHECK_THAT(ended.err,
             Catch::Contains(key + " belongs to daemon: root would do what somebody else can write there"));
  CHECK(folder.picture().empty());
  CHECK(folder.run({"apply", "--trust-writable", playbook}).status == 0);
  give(key, 0, 0, 0600);
  ::chmod(folder.path("keys").c_str(), 0777);
  CHECK_THAT(folder.run({"apply", playbook}).err,
             Catch::Contains(folder.path("keys") + " is writable by everyone"));
  ::chmod(folder.path("keys").c_str(), 0755);
  CHECK(folder.run({"apply", playbook}).status == 0);
}

TEST_CASE("as root, a kept plan that another user owns is refused, and read no further") {
  AgentFolder folder;
  const std::string playbook =
      folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/f", "content": "x"}]})");
  const std::string plan = folder.path("kept.plan");
  REQUIRE(folder.run({"plan", "--out", plan, playbook}).status == 2);
  give(plan, daemon_user, daemon_group, 0600);
  for (const Words& more : {Words{}, Words{"--all-or-nothing"}}) {
    Words words{"apply", plan};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = folder.run(words);
    CHECK(ended.status == 3);
    CHECK_THAT(ended.err,
               Catch::Contains(plan + " belongs to daemon: root would do what somebody else can write there"));
  }
  CHECK(folder.picture().empty());
  give(plan, 0, 0, 0600);
  CHECK(folder.run({"apply", plan}).status == 0);
}

TEST_CASE("as root, a backend that others could exchange is not loaded") {
  const TemporaryFolder t;
  const std::string built = std::filesystem::path(AGENT).parent_path();
  std::filesystem::copy_file(AGENT, t / "mlops-agent");
  std::filesystem::copy(built + "/backends", t / "backends");
  const auto check = [&] {
    const int status = ::system(("'" + t / "mlops-agent" + "' bundle-check 2> '" + t / "err" + "'").c_str());
    return std::pair(status, content_of(t / "err"));
  };
  CHECK(check().first == 0);
  ::chmod((t / "backends").c_str(), 0777);
  const auto [open, open_says] = check();
  CHECK(open != 0);
  CHECK_THAT(open_says, Catch::Contains("is not loaded: " + t / "backends" +
                                        " is writable by everyone (mode 0777), and root would "
                                        "run what somebody else can put there"));
  give(t / "backends", 0, 0, 0755);
  give(t / "backends/curl.so", daemon_user, daemon_group, 0755);
  CHECK_THAT(check().second, Catch::Contains("the backend curl is not loaded: " + t / "backends/curl.so" +
                                             " belongs to daemon"));
  give(t / "backends/curl.so", 0, 0, 0755);
  t.folder("lib", 0755, daemon_user);
  CHECK_THAT(check().second, Catch::Contains(t / "lib" + " belongs to daemon"));
}

TEST_CASE("as root, a playbook and all that it names are refused where others could change them") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "path": "@/f", "source": "source"}, {"include": "in.json"}]})");
  const std::string source = folder.write("source", "text"),
                    included = folder.write("in.json", R"({"resources": []})");
  const std::string vars = folder.write("v.json", "{}");
  const std::vector<std::string> words{"apply", "--vars", vars, playbook};
  const std::string hint = "  hint: take that right away, or say --trust-writable\n";
  for (const std::string& file : {playbook, source, included, vars}) {
    CAPTURE(file);
    ::chmod(file.c_str(), 0666);
    const Ended ended = folder.run(words);
    CHECK(ended.status == 3);
    CHECK_THAT(ended.err,
               Catch::Contains(file + " is writable by everyone (mode 0666): root would do what somebody "
                                      "else can write there\n"));
    CHECK_THAT(ended.err, Catch::Contains(hint));
    CHECK_THAT(ended.err, Catch::Contains("1 mistake; nothing was touched"));
    CHECK(folder.picture().empty());
    ::chmod(file.c_str(), 0644);
  }
  ::chmod(folder.root().c_str(), 0777);
  const Ended above = folder.run(words);
  CHECK(above.status == 3);
  CHECK_THAT(above.err, Catch::Contains(folder.root() + " is writable by everyone (mode 0777)"));
  CHECK(folder.picture().empty());
  CHECK(folder.run({"apply", "--trust-writable", "--vars", vars, playbook}).status == 0);
  ::chmod(folder.root().c_str(), 0700);
}

TEST_CASE("as root, a file of --ssh-config that others could change is not followed") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": []})");
  const std::string config = folder.write("config", "Host box\n  ProxyCommand touch @/done\n");
  ::chmod(config.c_str(), 0666);
  const std::string why = "the ssh configuration " + config + ": " + config +
                          " is writable by everyone (mode 0666): root "
                          "would run what somebody else can write there\n";
  const Ended planned = folder.run({"plan", "--host", "box", "--ssh-config", config, playbook});
  CHECK(planned.status == 3);
  CHECK_THAT(planned.err, Catch::Contains(why));
  const Ended facts = folder.run({"facts", "--host", "box", "--ssh-config", config});
  CHECK(facts.status == 3);
  CHECK_THAT(facts.err, Catch::Contains(why));
  CHECK(folder.picture().empty());
}

TEST_CASE("as a person, files that others could change are refused where root is to act, and only there") {
  AgentFolder folder;
  ::chmod(folder.root().c_str(), 0755);
  const std::string playbook =
      folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/f", "content": "x"}]})");
  for (const char* name : {"run.out", "run.err"}) {
    folder.write(name, "");
    ::chmod(folder.path(name).c_str(), 0666);
  }
  give(playbook, daemon_user, daemon_group, 0646);
  const auto as_daemon = [&](const Words& words) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setgroups(0, nullptr) != 0 || ::setgid(daemon_group) != 0 || ::setuid(daemon_user) != 0)
        ::_exit(125);
      ::_exit(folder.run(words).status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return std::pair(WEXITSTATUS(status), AgentFolder::read(folder.path("run.err")));
  };
  for (const char* command : {"plan", "apply"}) {
    const auto [status, errors] = as_daemon({command, playbook});
    CHECK(status == 3);
    CHECK_THAT(errors,
               Catch::StartsWith("error: " + playbook + " is writable by everyone (mode 0646): root would do"));
  }
  CHECK(as_daemon({"plan", "--trust-writable", playbook}).first == 2);
  give(folder.tree(), daemon_user, daemon_group, 0755);  // now the person acts alone
  CHECK(as_daemon({"plan", playbook}).first == 2);
  CHECK(folder.picture().empty());
}

TEST_CASE("a folder for root's programs must be one in which nobody else may make entries, sticky or not") {
  const TemporaryFolder t;
  const auto wrong = [](const std::string& path) { return distrust_folder(path).value_or(""); };
  const std::string folder = t.folder("d"), shared = t.folder("s", 01777),
                    theirs = t.folder("t", 0755, daemon_user);
  t.link("to-t", "t");
  CHECK(wrong(folder) == "");
  CHECK(wrong(folder + "/not/there") == "");
  CHECK(wrong(t.folder("s/own")) == "");
  CHECK(wrong(shared) == shared + " is writable by everyone (mode 1777)");
  CHECK(wrong(shared + "/not/there") == shared + " is writable by everyone (mode 1777)");
  CHECK(wrong(theirs) == theirs + " belongs to daemon");
  CHECK(wrong(t.folder("t/roots")) == theirs + " belongs to daemon");
  CHECK(wrong(t / "to-t") == theirs + " belongs to daemon");
}
