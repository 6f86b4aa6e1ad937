// What is bound to fail: the plan says so with the words that the apply has, and nothing of it is begun.
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/person.hpp"
#include "domains/accounts/local.hpp"
#include "domains/files/local.hpp"
#include "machine/overlay.hpp"
#include "machine/this_host.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::is_root;
using mlops::test::Json;
using mlops::test::TemporaryFolder;

namespace {

// "file[x] failed: WHY" for each resource that is neither as desired nor to be changed.
std::vector<std::string> failures(const Ended& ended) {
  std::vector<std::string> all;
  for (const Json& line : ended.lines())
    if (line.at("event") == "resource" && (line.at("outcome") == "failed" || line.at("outcome") == "skipped"))
      all.push_back(line.at("label").get<std::string>() + " " + line.at("outcome").get<std::string>() + ": " +
                    line.at("reason").get<std::string>());
  return all;
}

struct Bench : AgentFolder {
  Bench() { ::chmod(root().c_str(), 0755); }
  // Plans and applies, and compares what fails.
  std::vector<std::string> both(const std::string& resources) {
    const std::string playbook = write("p.json", fmt::format(R"({{"resources": [{}]}})", resources));
    const std::vector<std::string> planned = failures(run({"plan", "--json", playbook}));
    const std::vector<std::string> applied = failures(run({"apply", "--json", playbook}));
    CHECK(planned == applied);
    return planned;
  }
};

template <class Work>
std::string error_of(const Work& work) {
  try {
    work();
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

// No resource makes links by themselves: the action as it fails in a simulation and, with the rights of the
// identity, for real.
std::string link_both(const CreateLink& link, const std::string& user) {
  const Cancellation cancellation;
  ThisHost host({.person = current_person()}, cancellation, {});
  const Action action = link;
  const std::string thought = error_of([&] {
    make_overlay_host(host, {"root"})->as({user}).perform({&action, 1});
  });
  const auto account = host.as({"root"}).accounts().user(user);
  REQUIRE(account);
  const std::uint32_t uid = account->uid.value();
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (uid != ::geteuid() && ::setresuid(uid, uid, uid) != 0) ::_exit(2);
    const LocalAccounts accounts;
    OwnerNames names(accounts);
    Walker walker(uid == 0);
    FileWriter writer(walker, names, {});
    const std::string said = error_of([&] { writer.perform(link); });
    ::_exit(::write(pipe[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 2);
  }
  ::close(pipe[1]);
  std::string real(4096, '\0');
  real.resize(static_cast<std::size_t>(::read(pipe[0], real.data(), real.size())));
  ::close(pipe[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  CHECK(thought == real);
  return thought;
}

}  // namespace

TEST_CASE("an owner or a group that does not exist fails in the plan") {
  Bench bench;
  CHECK(bench.both(R"({"type": "file", "id": "f", "path": "@/f", "content": "x", "owner": "nobody-such"},
    {"type": "directory", "id": "d", "path": "@/d", "group": "none-such"})") ==
        std::vector<std::string>{"file[f] failed: user `nobody-such` does not exist",
                                 "directory[d] failed: group `none-such` does not exist"});
  CHECK(link_both({.path = bench.tree() + "/l", .target = "x", .owner = "nobody-such"},
                  effective_person().name) == "user `nobody-such` does not exist");
  CHECK(bench.picture().empty());
}

TEST_CASE("the plan says that the user it runs as may not write") {
  if (!is_root("who may write")) return;
  Bench bench;
  const auto denied = bench.both(R"({"type": "file", "id": "f", "path": "@/f", "content": "x", "as": "daemon"},
    {"type": "directory", "id": "d", "path": "@/d", "as": "daemon"})");
  CHECK(denied == std::vector<std::string>{
                      "file[f] failed: cannot write beside " + bench.tree() + "/f: Permission denied",
                      "directory[d] failed: cannot make the folder " + bench.tree() + "/d: Permission denied"});
  CHECK(link_both({.path = bench.tree() + "/l", .target = "x"}, "daemon") ==
        "cannot make the link " + bench.tree() + "/l: Permission denied");
  ::chmod(bench.tree().c_str(), 0700);
  CHECK(bench.both(R"({"type": "file", "id": "f", "path": "@/f", "content": "x", "as": "daemon"})") ==
        std::vector<std::string>{"file[f] failed: cannot open " + bench.tree() + "/f: Permission denied"});
  CHECK(bench.picture().empty());
}

TEST_CASE("names that are too long fail in the plan") {
  Bench bench;
  const std::string name(256, 'n');
  CHECK(bench.both(fmt::format(R"({{"type": "file", "id": "f", "path": "@/{0}", "content": "x"}},
    {{"type": "directory", "id": "d", "path": "@/{0}d"}})",
                               name)) ==
        std::vector<std::string>{
            fmt::format("file[f] failed: cannot look at {}/{}: File name too long", bench.tree(), name),
            fmt::format("directory[d] failed: cannot make the folder {}/{}d: File name too long", bench.tree(),
                        name)});
  CHECK(link_both({.path = bench.tree() + "/" + name, .target = "x"}, effective_person().name) ==
        fmt::format("cannot make the link {}/{}: File name too long", bench.tree(), name));
}

TEST_CASE(
    "what root makes in a user's folder and must not walk through then, the plan does not walk through "
    "either") {
  if (!is_root("whose folders are walked through")) return;
  Bench bench;
  std::filesystem::create_directory(bench.tree() + "/home");
  REQUIRE(::chown((bench.tree() + "/home").c_str(), 1, 1) == 0);
  CHECK(bench.both(R"({"type": "directory", "id": "p", "path": "@/home/p"},
    {"type": "file", "id": "x", "path": "@/home/p/x", "content": "x"})") ==
        std::vector<std::string>{
            fmt::format("file[x] failed: unsafe path: the step from {0} to {0}/p is not taken: its owner "
                        "differs",
                        bench.tree() + "/home")});
  // Root's own that was moved there is given away in neither.
  std::ofstream(bench.tree() + "/home/moved") << "root's own";
  ::chmod((bench.tree() + "/home/moved").c_str(), 0600);
  const auto moved = bench.both(R"({"type": "file", "id": "m", "path": "@/home/moved", "owner": "daemon"})");
  REQUIRE(moved.size() == 1);
  CHECK_THAT(moved[0],
             Catch::StartsWith("file[m] failed: unsafe path: " + bench.tree() + "/home/moved belongs to root"));
}

TEST_CASE("below what is to be absent nothing can be: both places are shown") {
  Bench bench;
  const Ended ended = bench.run({"plan", bench.write("p.json", R"({"resources": [
    {"type": "file", "path": "@/d", "state": "absent"},
    {"type": "directory", "path": "@/d/x", "parents": true}]})")});
  CHECK(ended.status == 3);
  CHECK_THAT(ended.err, Catch::Contains("the path " + bench.tree() + "/d/x lies in " + bench.tree() +
                                        "/d, which file[" + bench.tree() + "/d] removes"));
  CHECK_THAT(ended.err, Catch::Contains("stands here"));
}

TEST_CASE("of several actions of which one is bound to fail none is begun") {
  const TemporaryFolder t;
  t.folder("profile");
  const std::string first = t.file("bashrc", "before");
  const Cancellation cancellation;
  ThisHost host({.person = current_person()}, cancellation, {});
  const std::vector<Action> actions{WriteFile{.path = first, .content = "after"},
                                    WriteFile{.path = t / "profile", .content = "after"}};
  const Step step{{}, actions};
  const auto errors = host.perform({effective_person().name}, {&step, 1});
  REQUIRE(errors.size() == 1);
  REQUIRE(errors[0]);
  CHECK(std::string(errors[0]->what()) == t / "profile" + " is a folder; it is not replaced");
  CHECK(mlops::test::content_of(first) == "before");
}

TEST_CASE("nothing of what is not begun is there for later resources, in the plan as in the apply") {
  if (!is_root("whose folders are walked through")) return;
  Bench bench;
  std::filesystem::create_directory(bench.tree() + "/home");
  REQUIRE(::chown((bench.tree() + "/home").c_str(), 1, 1) == 0);
  CHECK(bench.both(R"({"type": "directory", "id": "deep", "path": "@/home/p/q", "parents": true},
    {"type": "file", "id": "p", "path": "@/home/p", "content": "p", "owner": "daemon"})") ==
        std::vector<std::string>{fmt::format(
            "directory[deep] failed: unsafe path: the step from {0} to {0}/p is not taken: its owner "
            "differs",
            bench.tree() + "/home")});
  CHECK(AgentFolder::read(bench.tree() + "/home/p") == "p");
}

TEST_CASE("the user who made a folder where everyone may write can still write in it, though root may not") {
  if (!is_root("acting as another user")) return;
  Bench bench;
  std::filesystem::create_directory(bench.tree() + "/open");
  REQUIRE(::chmod((bench.tree() + "/open").c_str(), 01777) == 0);
  CHECK(bench
            .both(R"({"type": "directory", "path": "@/open/b/b", "parents": true, "as": "daemon"},
    {"type": "file", "path": "@/open/b/b/f", "content": "f", "as": "daemon"})")
            .empty());
  CHECK(AgentFolder::read(bench.tree() + "/open/b/b/f") == "f");
}

TEST_CASE("what a removed account owned is known by its number, in a plan too") {
  if (!is_root("giving a file to another user")) return;
  const TemporaryFolder t;
  const std::string path = t.file("f", "daemon's");
  REQUIRE(::chown(path.c_str(), 1, 1) == 0);
  const Cancellation cancellation;
  ThisHost host({.person = current_person()}, cancellation, {});
  const auto overlay = make_overlay_host(host, {"root"});
  const std::vector<Action> actions{RemoveUser{.name = "daemon"}};
  overlay->as({"root"}).perform(actions);
  const auto found = overlay->as({"root"}).files().status(path);
  REQUIRE(found);
  CHECK(found->owner == "1");
}

TEST_CASE("two names of one file: that one desires what the other does not is found, in every run") {
  Bench bench;
  bench.write("tree/b", "neither");
  ::symlink("b", (bench.tree() + "/a").c_str());
  std::filesystem::create_directory(bench.tree() + "/real");
  ::symlink("real", (bench.tree() + "/linked").c_str());
  const std::string playbook = bench.write("p.json", R"({"resources": [
    {"type": "file", "id": "a", "path": "@/a", "content": "A"},
    {"type": "file", "id": "b", "path": "@/b", "content": "B"},
    {"type": "file", "id": "c", "path": "@/linked/f", "content": "C"},
    {"type": "file", "id": "d", "path": "@/real/f", "content": "D"}]})");
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    const Ended ended = bench.run({i == 0 ? "plan" : "apply", "--json", playbook});
    CHECK(ended.status == 1);
    std::vector<std::string> found;
    for (const Json& line : ended.lines())
      if (line.at("event") == "resource" && line.at("outcome") == "not_converged")
        found.push_back(line.at("label").get<std::string>() + " " + line.at("reason").get<std::string>());
    REQUIRE(found.size() == 2);
    CHECK_THAT(found[0], Catch::StartsWith("file[a] no longer as desired after file[b]"));
    CHECK_THAT(found[1], Catch::StartsWith("file[c] no longer as desired after file[d]"));
  }
  CHECK(AgentFolder::read(bench.tree() + "/b") == "B");
}

TEST_CASE("a group that comes or goes with the user of its name is looked at again for an earlier resource") {
  if (!is_root("accounts")) return;
  Bench bench;
  const auto not_converged = [&](const std::string& resources) {
    const std::string playbook = bench.write("p.json", fmt::format(R"({{"resources": [{}]}})", resources));
    std::string found;
    for (const Json& line : bench.run({"plan", "--json", playbook}).lines())
      if (line.at("event") == "resource" && line.at("outcome") == "not_converged")
        found += line.at("label").get<std::string>() + ": " + line.at("reason").get<std::string>();
    return found;
  };
  // userdel(8) takes the group along, as nobody else is in it.
  const std::string user = R"({"type": "user", "name": "news", "state": "absent"})";
  CHECK(not_converged(R"({"type": "group", "name": "news"}, )" + user) ==
        "group[news]: no longer as desired after user[news]: exists is false, expected true");
  CHECK(not_converged(R"({"type": "directory", "path": "@/d", "group": "news"}, )" + user) ==
        fmt::format("directory[{}/d]: no longer as desired after user[news]: group is 9, expected news",
                    bench.tree()));
  CHECK(not_converged(user + R"(, {"type": "group", "name": "news"})").empty());
  // useradd(8) makes one.
  CHECK(not_converged(R"({"type": "group", "name": "mlops-test-ada", "state": "absent"},
    {"type": "user", "name": "mlops-test-ada"})") ==
        "group[mlops-test-ada]: no longer as desired after user[mlops-test-ada]: exists is true, expected "
        "false");
}

TEST_CASE("a file that everyone may write to, and another owns, is written where it is") {
  if (!is_root("another's file")) return;
  Bench bench;
  const std::string path = bench.write("tree/f", "before");
  REQUIRE(::chmod(path.c_str(), 0666) == 0);
  const struct stat before = mlops::test::status_of(path);
  CHECK(
      bench.both(R"({"type": "file", "id": "f", "path": "@/f", "content": "after", "as": "daemon"})").empty());
  CHECK(AgentFolder::read(path) == "after");
  CHECK(mlops::test::status_of(path).st_ino == before.st_ino);
  CHECK(mlops::test::mode_of(path) == 0666);
}

TEST_CASE(
    "an owner that is given by its number is known by its name in a plan too, so the same identity acts "
    "below") {
  if (!is_root("giving a folder to another user")) return;
  const TemporaryFolder t;
  const Cancellation cancellation;
  ThisHost host({.person = current_person()}, cancellation, {});
  const auto overlay = make_overlay_host(host, {"root"});
  const std::vector<Action> actions{CreateDirectory{.path = t / "d", .owner = "1", .group = "1"}};
  overlay->as({"root"}).perform(actions);
  host.as({"root"}).perform(actions);
  const auto planned = overlay->as({"root"}).files().status(t / "d"),
             real = host.as({"root"}).files().status(t / "d");
  REQUIRE((planned && real));
  CHECK(real->owner == "daemon");
  CHECK(planned->owner == real->owner);
  CHECK(planned->group == real->group);
}
