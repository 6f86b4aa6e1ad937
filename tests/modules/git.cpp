#include "domains/files/git_folder.hpp"

#include <cstdlib>
#include <filesystem>

#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::string x(40, 'a'), y(40, 'b');
const std::string repo = "https://github.com/Org/x.git";

std::string json(const std::string& members = "") {
  return R"({"repo": ")" + repo + R"(", "to": "/srv/x")" + (members.empty() ? "" : ", " + members) + "}";
}

std::string changes(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes)
    text += (text.empty() ? "" : ", ") + c.property + " " + c.before.to_text() + ">" + c.after.to_text();
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string actions(const Diff& diff) {
  std::string text;
  for (const Action& one : diff.actions) {
    if (!text.empty()) text += "; ";
    if (const auto* r = std::get_if<RemovePath>(&one)) text += "remove " + r->path;
    if (const auto* r = std::get_if<RenamePath>(&one)) text += "rename " + r->from + " " + r->to;
    if (const auto* r = std::get_if<RunCommand>(&one)) text += joined(r->command.argv);
  }
  return text;
}

std::string failure(const std::string& parameters, const MachineReader& machine) {
  try {
    try_module("git", parameters, machine);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no failure";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct World : FakeMachine {
  World() { f.folder("/srv"); }
  void repository(const std::string& head, const std::string& url = repo) {
    f.folder("/srv/x");
    f.folder("/srv/x/.git");
    f.file("/srv/x/.git/HEAD", head + "\n");
    f.file("/srv/x/.git/config", "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = " + url + "\n");
    f.file("/srv/x/.git/refs/heads/main", x + "\n");
  }
  void answer(const std::vector<std::string>& args, int status, const std::string& output = "",
              const std::string& errors = "") {
    std::vector<std::string> argv{"git", "-C", "/srv/x"};
    argv.insert(argv.end(), args.begin(), args.end());
    c.answers[argv] = {status, false, output, errors};
  }
  void has(const std::string& name, bool yes) {
    answer({"rev-parse", "--verify", "--quiet", name}, yes ? 0 : 1, yes ? x + "\n" : "");
  }
  void clean() { answer({"status", "--porcelain", "--untracked-files=no"}, 0); }
};

const std::string temp = "/srv/.x.mlops-agent-clone";
const std::string on_main = "ref: refs/heads/main";

}  // namespace

TEST_CASE("a repository that is absent is cloned beside its place and renamed") {
  World w;
  const Tried t = try_module("git", json(), w);
  CHECK(changes(t.diff) == "exists false>true, remote null>" + repo);
  CHECK(find_module("git")->actor(t.desired).kind == Actor::Kind::tree);
  CHECK(actions(t.diff) ==
        "git clone --origin origin -- " + repo + " " + temp + "; rename " + temp + " /srv/x");
  const auto* run = action<RunCommand>(t.diff, 0);
  CHECK(run->remove_on_failure == temp);
  CHECK(run->bounded);
  CHECK(run->command.env.at("GIT_TERMINAL_PROMPT") == "0");
  CHECK(run->command.env.at("GIT_SSH_COMMAND") == "ssh -o BatchMode=yes");
  w.f.folder("/srv/x");
  CHECK(actions(try_module("git", json(), w).diff) == actions(t.diff));
  w.f.folder(temp);
  CHECK(actions(try_module("git", json(), w).diff) == "remove " + temp + "; " + actions(t.diff));
}

TEST_CASE("a clone takes a branch or tag, a depth, or a commit") {
  const World w;
  CHECK(says(actions(try_module("git", json(R"("ref": "v1", "depth": 3)"), w).diff),
             "git clone --origin origin --depth 3 --branch v1 -- "));
  CHECK(actions(try_module("git", json(R"("ref": "abcdef1")"), w).diff) ==
        "git clone --origin origin --no-checkout -- " + repo + " " + temp + "; git -C " + temp +
            " switch --detach abcdef1; rename " + temp + " /srv/x");
  CHECK(says(actions(try_module("git", json(R"("depth": 1, "ref": ")" + x + "\""), w).diff),
             "; git -C " + temp + " fetch --depth 1 origin " + x + "; git -C "));
}

TEST_CASE("a clone reads from the mirror and keeps its true origin") {
  World w;
  w.d.mirrors[repo] = "/mirror/it's/x.git";
  CHECK(says(actions(try_module("git", json(), w).diff),
             "git -c url.file:///mirror/it's/x.git.insteadOf=" + repo +
                 " clone --origin origin --upload-pack git -c 'safe.directory=/mirror/it'\\''s/x.git' "
                 "upload-pack -- " +
                 repo));
  w.d.mirrors[repo] = "http://mirror/x.git";
  CHECK(says(actions(try_module("git", json(), w).diff),
             "git -c url.http://mirror/x.git.insteadOf=" + repo + " clone --origin origin -- " + repo));
}

TEST_CASE("a settled repository starts no process") {
  World w;
  w.repository(on_main);
  CHECK(try_module("git", json(), w).diff.empty());
  CHECK(try_module("git", json(R"("ref": "main")"), w).diff.empty());
  w.repository(x);
  CHECK(try_module("git", json(R"("ref": "aaaaaaa")"), w).diff.empty());
  w.f.file("/srv/x/.git/packed-refs", "# pack-refs with: peeled fully-peeled sorted \n" + y +
                                          " refs/tags/v1\n^" + x + "\n" + x + " refs/tags/v2\n");
  CHECK(try_module("git", json(R"("ref": "v1")"), w).diff.empty());
  CHECK(try_module("git", json(R"("ref": "v2")"), w).diff.empty());
  CHECK(w.c.asked.empty());
}

TEST_CASE("another remote, or none, is a change") {
  World w;
  w.repository(on_main, "https://elsewhere/x.git");
  const Tried t = try_module("git", json(), w);
  CHECK(changes(t.diff) == "remote https://elsewhere/x.git>" + repo);
  CHECK(actions(t.diff) == "git -C /srv/x remote set-url origin " + repo);
  CHECK(actions(try_module("git", json(R"("remote": "up")"), w).diff) == "git -C /srv/x remote add up " + repo);
}

TEST_CASE("what is no repository is left alone") {
  World w;
  w.f.folder("/srv/x");
  w.f.file("/srv/x/notes", "");
  CHECK(failure(json(), w) == "/srv/x is a folder that is no git repository; it is not replaced");
  w.f.entries.erase("/srv/x/notes");
  w.f.file("/srv/x", "");
  CHECK(failure(json(), w) == "/srv/x is a file; it is not replaced");
  const FakeMachine bare;
  CHECK(failure(json(), bare) ==
        "/srv does not exist, so /srv/x cannot be made: give it a directory resource before this one");
}

TEST_CASE("another branch is switched to; one that is not there yet is fetched") {
  World w;
  w.repository(on_main);
  w.clean();
  w.has("refs/heads/dev", true);
  CHECK(changes(try_module("git", json(R"("ref": "dev")"), w).diff) == "ref main>dev");
  CHECK(actions(try_module("git", json(R"("ref": "dev")"), w).diff) == "git -C /srv/x switch dev");
  w.has("refs/heads/dev", false);
  w.has("refs/remotes/origin/dev", false);
  w.has("refs/tags/dev", false);
  w.answer({"ls-remote", repo, "refs/heads/dev", "refs/tags/dev"}, 0, y + "\trefs/heads/dev\n");
  CHECK(actions(try_module("git", json(R"("ref": "dev")"), w).diff) ==
        "git -C /srv/x fetch origin +refs/heads/dev:refs/remotes/origin/dev; "
        "git -C /srv/x switch --create dev refs/remotes/origin/dev");
  w.answer({"ls-remote", repo, "refs/heads/dev", "refs/tags/dev"}, 0, "");
  CHECK(failure(json(R"("ref": "dev")"), w) == repo + " has no branch or tag `dev`");
  w.answer({"ls-remote", repo, "refs/heads/dev", "refs/tags/dev"}, 128, "", "warning: x\nfatal: no route\n");
  CHECK(failure(json(R"("ref": "dev")"), w) == repo + " cannot be asked for its branches: fatal: no route");
}

TEST_CASE("a tag and a commit are switched to detached") {
  World w;
  w.repository(on_main);
  w.clean();
  w.has("refs/heads/v1", false);
  w.has("refs/remotes/origin/v1", false);
  w.has("refs/tags/v1", true);
  CHECK(actions(try_module("git", json(R"("ref": "v1")"), w).diff) ==
        "git -C /srv/x switch --detach refs/tags/v1");
  w.has(y + "^{commit}", false);
  CHECK(actions(try_module("git", json(R"("ref": ")" + y + "\""), w).diff) ==
        "git -C /srv/x fetch origin " + y + "; git -C /srv/x switch --detach " + y);
}

TEST_CASE("local changes that would be lost are an error that lists them") {
  World w;
  w.repository(on_main);
  w.has("refs/heads/dev", true);
  w.answer({"status", "--porcelain", "--untracked-files=no"}, 0, " M README.md\nD  gone.txt\n");
  CHECK(failure(json(R"("ref": "dev")"), w) ==
        "/srv/x has local changes, which would be lost: README.md, gone.txt");
}

TEST_CASE("update fast-forwards what is behind, and only that") {
  World w;
  w.repository(on_main);
  w.clean();
  const std::string update = json(R"("update": true)");
  w.answer({"ls-remote", repo, "refs/heads/main"}, 0, x + "\trefs/heads/main\n");
  CHECK(try_module("git", update, w).diff.empty());
  w.answer({"ls-remote", repo, "refs/heads/main"}, 0, y + "\trefs/heads/main\n");
  w.answer({"merge-base", "--is-ancestor", y, "HEAD"}, 0);
  CHECK(try_module("git", update, w).diff.empty());
  w.answer({"merge-base", "--is-ancestor", y, "HEAD"}, 128);
  const Tried t = try_module("git", update, w);
  CHECK(changes(t.diff) == "head aaaaaaaaaaaa>bbbbbbbbbbbb");
  CHECK(actions(t.diff) ==
        "git -C /srv/x fetch origin +refs/heads/main:refs/remotes/origin/main; "
        "git -C /srv/x merge --ff-only refs/remotes/origin/main");
  w.answer({"status", "--porcelain", "--untracked-files=no"}, 0, " M a\n");
  CHECK(failure(update, w) == "/srv/x has local changes, which would be lost: a");
}

TEST_CASE("a repository of a format that only git can read is asked through git") {
  World w;
  w.repository("ref: refs/heads/.invalid");
  w.f.file("/srv/x/.git/config", "[extensions]\n\trefstorage = reftable\n");
  w.answer({"config", "--get", "remote.origin.url"}, 0, repo + "\n");
  w.answer({"symbolic-ref", "--quiet", "--short", "HEAD"}, 0, "main\n");
  w.has("HEAD", true);
  CHECK(try_module("git", json(R"("ref": "main")"), w).diff.empty());
}

TEST_CASE("a worktree's .git file is followed to its folder and the repository's") {
  World w;
  w.f.folder("/srv/x");
  w.f.file("/srv/x/.git", "gitdir: ../main/.git/worktrees/x\n");
  w.f.file("/srv/main/.git/worktrees/x/HEAD", on_main + "\n");
  w.f.file("/srv/main/.git/worktrees/x/commondir", "../..\n");
  w.f.file("/srv/main/.git/config", "[remote \"origin\"]\nurl=" + repo + "\n");
  w.f.file("/srv/main/.git/refs/heads/main", x + "\n");
  const Tried t = try_module("git", json(R"("ref": "main")"), w);
  CHECK(t.diff.empty());
  CHECK(to_json(find_module("git")->outputs(t.desired, t.current).values) ==
        R"({"path":"/srv/x","head":")" + x + "\"}");
}

TEST_CASE("git's configuration is read with its quotes, comments, escapes and joined lines") {
  const auto c = parse_git_config(
      "# c\n[Core] Bare = true ; x\n[remote \"A \\\"b\"]\n\turl = \"a;b\"  # d\n\tlong = one \\\n two\n\tflag\n"
      "[branch.main]\nk = a\\tb  \n[remote \"A \\\"b\"]\nurl = last\n");
  CHECK(c.at("core.bare") == "true");
  CHECK(c.at("remote.A \"b.url") == "last");
  CHECK(c.at("remote.A \"b.long") == "one  two");
  CHECK(c.at("remote.A \"b.flag") == "true");
  CHECK(c.at("branch.main.k") == "a\tb");
}

TEST_CASE("mistakes in git's parameters have their own messages") {
  const World w;
  const auto wrong = [&](const std::string& members) { return failure(json(members), w); };
  CHECK(says(failure(R"({"repo": "x.git", "to": "/srv/x"})", w), "a local path must be absolute"));
  CHECK(says(failure(R"({"repo": "--upload-pack=x", "to": "/srv/x"})", w), "is no repository"));
  CHECK(says(wrong(R"("ref": "-x")"), "`-x` is no branch, tag or commit"));
  CHECK(says(wrong(R"("ref": "a..b")"), "`a..b` is no branch, tag or commit"));
  CHECK(says(wrong(R"("depth": 0)"), "at least one commit must be cloned"));
  CHECK(says(wrong(R"("ref": "abcdef1", "update": true)"), "a commit never changes"));
  CHECK(says(wrong(R"("ref": "abcdef1", "depth": 1)"), "with `depth` a commit needs all of its digits"));
}

TEST_CASE("what talks to the remote is ended when it stands still, or after the time that it is given") {
  World w;
  const std::string timed = json(R"("timeout": "5m")");
  const auto patience = [](const Diff& diff, std::size_t i) {
    const auto* run = action<RunCommand>(diff, i);
    REQUIRE(run);
    return std::pair(run->command.stall_ms, run->command.timeout_ms);
  };
  CHECK(patience(try_module("git", json(), w).diff, 0) == std::pair<std::uint64_t, std::uint64_t>(60'000, 0));
  CHECK(patience(try_module("git", timed, w).diff, 0) ==
        std::pair<std::uint64_t, std::uint64_t>(60'000, 300'000));
  w.repository(on_main);
  w.clean();
  const std::string update = json(R"("update": true, "timeout": "5m")");
  w.answer({"merge-base", "--is-ancestor", y, "HEAD"}, 128);
  w.answer({"ls-remote", repo, "refs/heads/main"}, 0, y + "\trefs/heads/main\n");
  const Diff diff = try_module("git", update, w).diff;
  CHECK(w.c.asked.front().stall_ms == 60'000);
  CHECK(w.c.asked.front().timeout_ms == 300'000);
  CHECK(patience(diff, 0) == std::pair<std::uint64_t, std::uint64_t>(60'000, 300'000));
  CHECK(patience(diff, 1) == std::pair<std::uint64_t, std::uint64_t>(0, 0));  // the merge is local
  w.c.answers[{"git", "-C", "/srv/x", "ls-remote", repo, "refs/heads/main"}] = {.status = 124, .stalled = true};
  CHECK(failure(update, w) == repo + " cannot be asked for its branches: it gave no answer within 1 min");
}

TEST_CASE("a local repository that is not there is an error before anything is done") {
  World w;
  const std::string local = R"({"repo": "/srv/git/x.git", "to": "/srv/x", "depth": 2})";
  CHECK(failure(local, w) == "there is no repository at /srv/git/x.git");
  CHECK(failure(R"({"repo": "file:///srv/git/x.git", "to": "/srv/x"})", w) ==
        "there is no repository at /srv/git/x.git");
  w.f.folder("/srv/git/x.git");
  CHECK(says(actions(try_module("git", local, w).diff),
             "git -c url.file:///srv/git/x.git.insteadOf=/srv/git/x.git clone --origin origin --depth 2 -- "
             "/srv/git/x.git "));
}

TEST_CASE("git: undo of a clone into an empty folder leaves that, empty and with its mode", "[agent]") {
  const AgentFolder folder;
  const std::string repository = folder.tree() + "/repository", to = folder.tree() + "/to";
  const std::string make = "git init -q " + repository + " && git -C " + repository +
                           " -c user.name=a -c user.email=a@b commit -q --allow-empty -m one >/dev/null";
  REQUIRE(std::system(make.c_str()) == 0);
  std::filesystem::create_directory(to);
  std::filesystem::permissions(to, std::filesystem::perms(0750));
  const std::string playbook =
      folder.write("p.json", R"({"resources": [{"type": "git", "repo": "@/repository", "to": "@/to"}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  REQUIRE(std::filesystem::exists(to + "/.git"));
  CHECK(folder.run({"undo", "--yes", "--state", folder.state()}).status == 0);
  CHECK(std::filesystem::is_directory(to));
  CHECK(std::filesystem::is_empty(to));
  CHECK((std::filesystem::status(to).permissions() & std::filesystem::perms::mask) ==
        std::filesystem::perms(0750));
  CHECK(folder.run({"undo", "last", "--yes", "--state", folder.state()}).status == 0);
  CHECK(std::filesystem::exists(to + "/.git"));
}
