// Plans that are kept in a file and applied later: what they allow, and what they refuse.
#include "host_run/planning.hpp"

#include "base/digest.hpp"
#include "base/person.hpp"
#include "state/mark.hpp"
#include "state/state_database.hpp"
#include "support/playbook_site.hpp"

namespace {

using namespace mlops;
using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::Json;
using mlops::test::Words;

constexpr const char* two_files = R"({"resources": [
  {"id": "a", "type": "file", "path": "@/a", "content": "one\n"},
  {"id": "b", "type": "file", "path": "@/b", "content": "two\n"}]})";

struct Site : test::PlaybookSite {
  std::string plan = folder.path("plan");

  void keep(const char* resources) const {
    const Ended kept = folder.run({"plan", folder.write("site.json", resources), "--out", plan});
    INFO(kept.err);
    REQUIRE(kept.status == 2);
    CHECK_THAT(kept.err, Catch::EndsWith("the plan is saved in " + plan + "; `mlops-agent apply " + plan +
                                         "` performs it\n"));
  }
  Ended apply(const Words& more = {}) const {
    Words words{"apply", plan, "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return folder.run(words);
  }
  // The plan file with a part of it replaced, its digest made right again.
  void forge(const std::string& member, const Json& value) const {
    nlohmann::ordered_json file = nlohmann::ordered_json::parse(AgentFolder::read(plan));
    file.erase("digest");
    file[member] = value;
    file["digest"] = sha256_hex(file.dump());
    std::ofstream(plan) << file.dump();
  }
};

// The outcome and reason of each resource, by id.
test::Outcomes by_id(const Ended& run) { return test::results(run, "id"); }

}  // namespace

TEST_CASE("a plan that is kept is applied as it was made, though the playbook has changed since") {
  const Site site;
  site.keep(two_files);
  struct stat status {};
  REQUIRE(::stat(site.plan.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK_FALSE(site.there("a"));
  site.folder.write("site.json", R"({"resources": []})");
  const Ended applied = site.apply();
  CHECK(applied.status == 0);
  CHECK(by_id(applied) == std::map<std::string, std::string>{{"a", "changed"}, {"b", "changed"}});
  CHECK(site.text("a") == "one\n");
  CHECK(site.text("b") == "two\n");
  // What it said is done: applying it again has nothing left to do.
  const Ended again = site.apply();
  CHECK(again.status == 0);
  CHECK(by_id(again) == std::map<std::string, std::string>{{"a", "ok"}, {"b", "ok"}});
}

TEST_CASE("only a resource that changed since the plan was made is refused, and the change is named") {
  const Site site;
  site.put("a", "zero\n");
  site.keep(two_files);
  site.put("a", "mine\n");
  const Ended applied = site.apply();
  CHECK(applied.status == 1);
  CHECK(by_id(applied) ==
        std::map<std::string, std::string>{
            {"a", "failed: changed since the plan was made: content of " + site.at("a")}, {"b", "changed"}});
  CHECK(site.text("a") == "mine\n");
  CHECK(site.text("b") == "two\n");
}

TEST_CASE("what depends on a refused resource is skipped") {
  const Site site;
  site.keep(R"({"resources": [
    {"id": "d", "type": "directory", "path": "@/d", "mode": "0755"},
    {"id": "f", "type": "file", "path": "@/d/f", "content": "x"}]})");
  std::filesystem::create_directory(site.at("d"));
  std::filesystem::permissions(site.at("d"), std::filesystem::perms::owner_all);
  const Ended applied = site.apply();
  CHECK(applied.status == 1);
  const auto found = by_id(applied);
  CHECK_THAT(found.at("d"), Catch::StartsWith("failed: changed since the plan was made: " + site.at("d") +
                                              " was absent, is a folder 0700 "));
  CHECK(found.at("f") == "skipped: directory[d] failed");
  CHECK_FALSE(site.there("d/f"));
}

TEST_CASE("With --all-or-nothing an apply touches nothing where a part of the plan is out of date") {
  const Site site;
  site.keep(two_files);
  site.put("a", "mine\n");
  const auto before = site.folder.picture();
  const Ended applied = site.apply({"--all-or-nothing"});
  CHECK(applied.status == 4);
  CHECK_THAT(applied.err, Catch::Contains("--all-or-nothing: the plan is no longer valid for file[a]"));
  CHECK(site.folder.picture() == before);
  // Also where nothing else is left to do.
  site.put("b", "two\n");
  const auto then = site.folder.picture();
  CHECK(site.apply({"--all-or-nothing"}).status == 4);
  CHECK(site.folder.picture() == then);
}

TEST_CASE("with --all-or-nothing a resource that now fails, or is gone, keeps everything from being done") {
  const Site site;
  site.keep(R"({"resources": [
    {"id": "d", "type": "directory", "path": "@/d"},
    {"id": "f", "type": "file", "path": "@/f", "content": "x"}]})");
  site.put("d", "");  // no folder can be made there
  const auto before = site.folder.picture();
  const Ended applied = site.apply({"--all-or-nothing"});
  CHECK(applied.status == 4);
  CHECK_THAT(applied.err, Catch::Contains("--all-or-nothing: the plan is no longer valid for directory[d]"));
  CHECK(site.folder.picture() == before);
  CHECK_FALSE(site.there("f"));
  CHECK(site.apply().status == 1);  // without it, the parts that are up to date are done
  CHECK(site.there("f"));
}

TEST_CASE(
    "a saved plan is refused where a secret is not the one that it was made with, and reveals nothing of it") {
  const Site site;
  const std::string secret = site.folder.path("secret");
  const auto set = [&](const std::string& text) {
    std::ofstream(secret) << text;
    ::chmod(secret.c_str(), 0600);
  };
  set("first-password\n");
  site.put("a", "old first-password\n");
  const std::string playbook = R"({"secrets": {"pw": {"file": ")" + secret + R"("}}, "resources": [
    {"id": "a", "type": "file", "path": "@/a", "mode": "0600", "content": "{{secrets.pw}}\n"},
    {"id": "b", "type": "file", "path": "@/b", "content": "two\n"}]})";
  site.keep(playbook.c_str());
  // Neither the secret, nor a digest of it that could be guessed, nor one of what it replaces.
  const std::string plan = AgentFolder::read(site.plan);
  for (const std::string text : {"first-password", "first-password\n", "old first-password\n"}) {
    CHECK(plan.find(text) == std::string::npos);
    CHECK(plan.find(sha256_hex(text)) == std::string::npos);
  }
  set("second-password\n");
  const auto before = site.folder.picture();
  CHECK(site.apply({"--all-or-nothing"}).status == 4);
  CHECK(site.folder.picture() == before);
  const Ended refused = site.apply();
  CHECK(refused.status == 1);
  CHECK(by_id(refused) ==
        std::map<std::string, std::string>{
            {"a", "failed: a secret in its parameters has changed since the plan was made"}, {"b", "changed"}});
  CHECK(site.text("a") == "old first-password\n");
  set("first-password\n");
  const Ended applied = site.apply();
  INFO(applied.out << applied.err);
  CHECK(applied.status == 0);
  CHECK(site.text("a") == "first-password\n");
}

TEST_CASE("a kept plan with secrets is refused where their key is gone") {
  const Site site;
  ::setenv("PLAN_FILES_TOKEN", "a-token-of-the-test", 1);
  site.keep(R"({"secrets": {"token": {"env": "PLAN_FILES_TOKEN"}}, "resources": [
    {"id": "a", "type": "file", "path": "@/a", "content": "{{secrets.token}}"}]})");
  std::filesystem::remove_all(site.folder.state());
  const Ended refused = site.apply();
  ::unsetenv("PLAN_FILES_TOKEN");
  CHECK(refused.status == 1);
  CHECK_THAT(by_id(refused).at("a"), Catch::Contains("their key is gone from the state folder"));
  CHECK_FALSE(site.there("a"));
}

TEST_CASE("it stops before doing what the plan did not say") {
  const Site site;
  site.put("a", "one\n");
  site.put("b", "two\n");
  site.keep(R"({"resources": [
    {"id": "a", "type": "file", "path": "@/a", "content": "one\n"},
    {"id": "b", "type": "file", "path": "@/b", "content": "two\n"},
    {"id": "c", "type": "file", "path": "@/c", "content": "three\n"}]})");
  std::filesystem::remove(site.at("a"));
  const Ended applied = site.apply();
  CHECK(applied.status == 1);
  const auto found = by_id(applied);
  CHECK_THAT(found.at("a"),
             Catch::StartsWith("failed: the plan said that there is nothing to do, now it would change: "
                               "create, content +1, mode 0644; changed since the plan was made: "));
  CHECK(found.at("b") == "ok");
  CHECK(found.at("c") == "changed");
  CHECK_FALSE(site.there("a"));
}

TEST_CASE("what shifts while a plan is being applied is refused when its turn comes") {
  const Change planned{.property = "content", .before = "4 bytes", .after = "5 bytes", .text_diff = "-a\n+b\n"};
  const Change later{.property = "others", .after = "later", .kind = Change::Kind::unknown};
  const PlanFile plan{
      .resources = {
          {.label = "file[a]", .as = "root", .outcome = Outcome::would_change, .changes = {planned}},
          {.label = "unit[u]",
           .as = "root",
           .outcome = Outcome::would_change,
           .changes = {{.property = "state", .before = "absent", .after = "running"}},
           .maybe = {"package[p]"}},
          {.label = "package[p]",
           .as = "root",
           .outcome = Outcome::would_change,
           .changes = {{.property = "p", .after = "version unknown"}}},
          {.label = "package[open]",
           .as = "root",
           .outcome = Outcome::would_change,
           .changes = {{.property = "p", .after = "version unknown"}, later}},
          {.label = "package[other]", .as = "root", .outcome = Outcome::would_change, .changes = {later}}}};
  PlanGuard guard(plan, false);
  guard.pass_begins(true);
  const auto see = [&](const char* label, std::vector<Change> changes) {
    guard.inspected({.label = label, .as = "root"}, {std::move(changes), {}}, {});
  };
  CHECK_NOTHROW(see("file[a]", {planned}));
  CHECK_NOTHROW(see("file[a]", {}));  // less is left to do
  Change other = planned;
  other.text_diff = "-c\n+b\n";
  CHECK_THROWS_WITH(see("file[a]", {other}), "it would do something that the plan did not show: content +1 −1");
  CHECK_THROWS_WITH(see("file[a]", {planned}),
                    "it would do something that the plan did not show: content +1 −1");
  // A package's programs came first: how it was before could not be known.
  CHECK_NOTHROW(see("unit[u]", {{.property = "state", .before = "stopped", .after = "running"}}));
  CHECK_THROWS_WITH(see("unit[u]", {{.property = "enabled", .before = false, .after = true}}),
                    "it would do something that the plan did not show: enabled no → yes");
  CHECK_NOTHROW(see("package[p]", {{.property = "p", .after = "2.0"}}));
  CHECK_THROWS_WITH(see("package[p]", {{.property = "p", .after = "2.0"}, {.property = "+q", .before = "1"}}),
                    "it would do something that the plan did not show: +q 1 → removed");
  // What the plan said is known only later: what comes along, never what goes.
  CHECK_NOTHROW(see("package[open]", {{.property = "p", .after = "2.0"},
                                      {.property = "+q", .after = "1"},
                                      {.property = "download", .after = "5 MB", .kind = Change::Kind::event}}));
  CHECK_THROWS_WITH(see("package[open]", {{.property = "+q", .before = "1"}}),
                    "it would do something that the plan did not show: +q 1 → removed");
  CHECK_THROWS_WITH(see("package[other]", {{.property = "r", .after = "1"}}),
                    "it would do something that the plan did not show: r 1");
  CHECK_THROWS_WITH(see("file[z]", {planned}), "it is not in the plan");
}

TEST_CASE("a plan names what is not known yet, and lets it do what it then finds needed") {
  const Site site;
  const std::string path = site.folder.write("site.json", R"({"resources": [
    {"id": "a", "type": "command", "argv": ["/usr/bin/touch", "@/done"], "creates": "@/done"},
    {"id": "b", "type": "file", "path": "@/b", "content": "two\n"}]})");
  const Ended kept = site.folder.run({"plan", path, "--out", site.plan});
  CHECK(kept.status == 2);
  CHECK_THAT(kept.err, Catch::StartsWith("not known yet; apply does what they need then: file[b]\n"));
  CHECK(site.apply().status == 0);
  CHECK(site.text("b") == "two\n");
}

TEST_CASE("a source that is no longer what it was is named") {
  const Site site;
  site.folder.write("motd", "one\n");
  site.keep(R"({"resources": [{"id": "a", "type": "file", "path": "@/a", "source": "motd"}]})");
  site.folder.write("motd", "other\n");
  const Ended applied = site.apply();
  CHECK(applied.status == 1);
  CHECK_THAT(by_id(applied).at("a"),
             Catch::Contains("; since the plan, these files changed: " + site.folder.path("motd")));
  CHECK_FALSE(site.there("a"));
}

TEST_CASE("values that the plan was made with stay in force: vars, --set and the environment") {
  const Site site;
  const std::string path = site.folder.write("site.json", R"({"vars": {"text": "x"}, "resources": [
        {"id": "a", "type": "file", "path": "@/a", "content": "{{vars.text}} {{env.PLAN_FILE_TEST}}\n"}]})");
  ::setenv("PLAN_FILE_TEST", "then", 1);
  CHECK(site.folder.run({"plan", path, "--set", "text=y", "--out", site.plan}).status == 2);
  ::setenv("PLAN_FILE_TEST", "now", 1);
  CHECK(site.apply().status == 0);
  ::unsetenv("PLAN_FILE_TEST");
  CHECK(site.text("a") == "y then\n");
}

// ---- refusals
// --------------------------------------------------------------------------------------------------------

TEST_CASE("a plan file that was altered is refused") {
  const Site site;
  site.keep(two_files);
  std::string text = AgentFolder::read(site.plan);
  const auto at = text.find("one");
  REQUIRE(at != std::string::npos);
  text.replace(at, 3, "eno");
  std::ofstream(site.plan) << text;
  const Ended altered = site.folder.run({"apply", site.plan});
  CHECK(altered.status == 3);
  CHECK(altered.err ==
        site.plan +
            ": the plan file is not as it was written: its digest does not match; nothing was touched\n");
  CHECK(altered.out.empty());
  // Cut short, too.
  std::ofstream(site.plan) << text.substr(0, text.size() / 2);
  CHECK(site.folder.run({"apply", site.plan}).status == 3);
  CHECK_FALSE(site.there("a"));
}

TEST_CASE("a plan file of another host, person or version is refused") {
  const Site site;
  site.keep(two_files);
  const PlanPlace here = this_place();
  site.forge("version", "9.9.9");
  const Ended version = site.folder.run({"apply", site.plan});
  CHECK(version.status == 4);
  CHECK(version.err == site.plan +
                           ": the plan was made by version 9.9.9 of mlops-agent, this is 0.1.0; plan anew; "
                           "nothing was touched\n");
  site.keep(two_files);
  site.forge("caller", "somebody");
  const Ended caller = site.folder.run({"apply", site.plan});
  CHECK(caller.status == 4);
  CHECK_THAT(caller.err, Catch::Contains(": the plan was made by somebody for " + here.person + "; this is "));
  site.keep(two_files);
  site.forge("machine", std::string(64, 'a'));
  site.forge("host", "elsewhere");
  const Ended host = site.folder.run({"apply", site.plan});
  CHECK(host.status == 4);
  CHECK(host.err == site.plan + ": the plan was made on another machine, elsewhere; this is " + here.host +
                        "; nothing was touched\n");
  CHECK_FALSE(site.there("a"));
}

TEST_CASE(
    "the recovery of a resource at which a run was interrupted since the plan was made is not in the plan, "
    "and not done") {
  const Site site;
  const std::string source = site.folder.path("source"), course = site.at("course"),
                    lock = course + "/.git/index.lock";
  REQUIRE(std::system(("git init -q " + source + " && git -C " + source +
                       " -c user.name=a -c user.email=a@b commit -q --allow-empty -m one")
                          .c_str()) == 0);
  const std::string playbook = site.folder.write("site.json", R"({"resources": [
    {"id": "course", "type": "git", "repo": ")" + source + R"(", "to": "@/course"}]})");
  REQUIRE(site.folder.run({"apply", playbook, "--state", site.state}).status == 0);
  const auto plan = [&] {
    REQUIRE(site.folder.run({"plan", playbook, "--state", site.state, "--out", site.plan}).status == 2);
  };
  REQUIRE(std::system(("git -C " + course + " remote set-url origin /else").c_str()) == 0);
  plan();
  {
    const std::string own = site.state + "/" + effective_person().name;
    const auto database = open_state_database({own, StateDatabaseSettings::For::writing, {}, {}});
    database->run("UPDATE steps SET state = 0; UPDATE runs SET outcome = NULL, ended = NULL");
    remove_mark(own);
  }
  std::ofstream(lock) << "";
  const Ended refused = site.apply({"--state", site.state});
  CHECK(refused.status == 1);
  CHECK(by_id(refused)["course"] ==
        "failed: a run was interrupted here since the plan was made, and its recovery is not in the plan");
  CHECK(std::filesystem::exists(lock));
  plan();
  CHECK(site.apply({"--state", site.state}).status == 0);
  CHECK_FALSE(std::filesystem::exists(lock));
  CHECK(site.folder.run({"plan", playbook, "--state", site.state}).status == 0);
}

TEST_CASE("values beside a plan file are refused") {
  const Site site;
  site.keep(two_files);
  const Ended set = site.folder.run({"apply", site.plan, "--set", "x=1"});
  CHECK(set.status == 3);
  CHECK(set.err ==
        "--set: " + site.plan + " is a saved plan, and its values are fixed; plan again to change them\n");
  const std::string playbook = site.folder.path("site.json");
  const Ended host = site.folder.run({"apply", site.plan, "--host", "web1"});
  CHECK(host.status == 3);
  CHECK(host.err ==
        "--host: " + site.plan + " is a saved plan, and its values are fixed; plan again to change them\n");
  const Ended whole = site.folder.run({"apply", playbook, "--all-or-nothing"});
  CHECK(whole.status == 3);
  CHECK(whole.err ==
        "--all-or-nothing: " + playbook + " is a playbook; it is for a plan saved with plan --out\n");
}

TEST_CASE("resources that edit one file one after the other do what their kept plan said") {
  const Site site;
  std::filesystem::create_directory(site.at("home"));
  site.put("home/.profile", "PATH=/opt/a:$PATH\n");
  site.keep(R"({"resources": [
    {"id": "a", "type": "path_entry", "path": "/opt/a", "home": "@/home", "shells": ["bash"]},
    {"id": "again", "type": "path_entry", "path": "/opt/a", "home": "@/home", "shells": ["bash"]},
    {"id": "b", "type": "path_entry", "path": "/opt/b", "home": "@/home", "shells": ["bash"]}]})");
  const Ended applied = site.apply();
  INFO(applied.out << applied.err);
  CHECK(applied.status == 0);
  CHECK(by_id(applied) ==
        std::map<std::string, std::string>{{"a", "changed"}, {"again", "ok"}, {"b", "changed"}});
  const std::string text = site.text("home/.bashrc");
  CHECK_THAT(text, Catch::Contains("/opt/a") && Catch::Contains("/opt/b"));
}
