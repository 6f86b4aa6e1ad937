// undo: reverting what a run did; and what it refuses.
#include <grp.h>
#include <pwd.h>

#include "state/state_database.hpp"
#include "support/playbook_site.hpp"

namespace {

using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::Json;
using mlops::test::Outcomes;
using mlops::test::Words;

struct Site : mlops::test::PlaybookSite {
  Ended apply(const char* resources) const {
    Ended applied = PlaybookSite::apply(resources);
    done(applied);
    return applied;
  }
  // The current state, without what changes by itself.
  std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.tree())) {
      struct stat s {};
      ::lstat(entry.path().c_str(), &s);
      all[entry.path()] =
          std::to_string(s.st_mode) + (S_ISREG(s.st_mode) ? AgentFolder::read(entry.path()) : "");
    }
    return all;
  }
};

}  // namespace

TEST_CASE("undo reverts what a run made, changed and removed, in reverse order") {
  const Site site;
  site.put("old", "before\n");
  site.put("gone", "was here\n");
  ::chmod(site.at("gone").c_str(), 0640);
  const auto before = site.content();
  site.apply(R"({"resources": [
    {"id": "d", "type": "directory", "path": "@/d"},
    {"id": "new", "type": "file", "path": "@/d/new", "content": "new\n"},
    {"id": "old", "type": "file", "path": "@/old", "content": "changed\n", "mode": "0600"},
    {"id": "gone", "type": "file", "path": "@/gone", "state": "absent"}]})");
  const auto after = site.content();
  REQUIRE(after != before);
  const Ended shown = site.run({"undo", "--dry-run"});
  CHECK(shown.status == 2);
  CHECK(results(shown) == Outcomes{{"directory[d]", "would_change"},
                                   {"file[new]", "would_change"},
                                   {"file[old]", "would_change"},
                                   {"file[gone]", "would_change"}});
  CHECK(site.content() == after);
  const Ended undone = site.undo();
  INFO(undone.out << undone.err);
  CHECK(undone.status == 0);
  std::vector<std::string> order;
  for (const Json& line : undone.lines())
    if (line["event"] == "resource") order.push_back(line["label"]);
  CHECK(order == std::vector<std::string>{"file[gone]", "file[old]", "file[new]", "directory[d]"});
  CHECK(site.content() == before);
}

TEST_CASE("an undo is a run of its own: it is listed, and can be undone") {
  const Site site;
  site.put("f", "before\n");
  site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/f", "content": "after\n"}]})");
  const std::string id = site.history().at(0)["id"];
  CHECK(site.undo().status == 0);
  CHECK(site.text("f") == "before\n");
  const auto runs = site.history();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0]["kind"] == "undo");
  CHECK(runs[0]["undoes"] == id);
  CHECK(runs[0]["outcome"] == "done");
  CHECK(runs[1]["undone_by"] == runs[0]["id"]);
  CHECK(site.undo({runs[0]["id"].get<std::string>()}).status == 0);
  CHECK(site.text("f") == "after\n");
  CHECK(site.history().at(2)["undone_by"].is_null());
}

TEST_CASE("what somebody changed since is refused by itself, and reverted by force") {
  const Site site;
  site.put("a", "before\n");
  site.put("b", "before\n");
  site.apply(R"({"resources": [
    {"id": "a", "type": "file", "path": "@/a", "content": "after\n"},
    {"id": "b", "type": "file", "path": "@/b", "content": "after\n"}]})");
  site.put("a", "mine\n");
  const Ended undone = site.undo();
  CHECK(undone.status == 1);
  CHECK(results(undone) ==
        Outcomes{{"file[a]", "failed: changed since: " + site.at("a") + "; --force undoes it anyway"},
                 {"file[b]", "changed"}});
  CHECK(site.text("a") == "mine\n");
  CHECK(site.text("b") == "before\n");
  const Ended forced = site.undo({"--force"});
  CHECK(forced.status == 0);
  CHECK(results(forced) == Outcomes{{"file[a]", "changed"}, {"file[b]", "ok"}});
  CHECK(site.text("a") == "before\n");
}

TEST_CASE("a later run that changed the same object is named") {
  const Site site;
  site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/f", "content": "one\n"}]})");
  const std::string first = site.history().at(0)["id"];
  site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/f", "content": "two\n"}]})");
  const std::string second = site.history().at(0)["id"];
  const Ended undone = site.undo({first});
  CHECK(undone.status == 1);
  CHECK(results(undone).at("file[f]") ==
        "failed: changed since: " + site.at("f") + " (by the run " + second + "); --force undoes it anyway");
  // The newest first, then the one before it.
  CHECK(site.undo().status == 0);
  CHECK(site.text("f") == "one\n");
  CHECK(site.undo().status == 0);
  CHECK_FALSE(site.there("f"));
}

TEST_CASE("what cannot be undone is named before anything is done") {
  const Site site;
  site.apply(R"({"resources": [
    {"id": "f", "type": "file", "path": "@/f", "content": "x"},
    {"id": "c", "type": "command", "argv": ["/usr/bin/touch", "@/done"], "creates": "@/done"}]})");
  const Ended undone = site.undo();
  CHECK(undone.status == 0);
  const auto lines = undone.lines();
  CHECK(lines.at(0)["event"] == "notice");
  CHECK(lines.at(0)["text"] ==
        "cannot be undone: the command `/usr/bin/touch " + site.at("done") + "` (command[c])");
  CHECK_THAT(results(undone).at("command[c]"), Catch::StartsWith("skipped: it cannot be undone: the command "));
  CHECK_FALSE(site.there("f"));
  CHECK(site.there("done"));
}

TEST_CASE("without a terminal to ask on, undo requires --yes") {
  const Site site;
  site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/f", "content": "x"}]})");
  const Ended asked = site.run({"undo"});
  CHECK(asked.status == 4);
  CHECK(asked.err == "without a terminal to ask on, --yes is needed; nothing was touched\n");
  CHECK(results(asked) == Outcomes{{"file[f]", "would_change"}});
  CHECK(site.there("f"));
}

TEST_CASE("undo of a run that is not there, was undone, or of none at all is refused") {
  const Site site;
  const Ended none = site.undo();
  CHECK(none.status == 3);
  CHECK_THAT(none.err,
             Catch::StartsWith("there is no recorded run of ") && Catch::EndsWith("; nothing was touched\n"));
  site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/f", "content": "x"}]})");
  const std::string id = site.history().at(0)["id"];
  const Ended unknown = site.undo({"ffff"});
  CHECK(unknown.status == 3);
  CHECK(unknown.err == "there is no run ffff; `mlops-agent history` lists them; nothing was touched\n");
  CHECK(site.there("f"));
  REQUIRE(site.undo().status == 0);
  const std::string by = site.history().at(0)["id"];
  const Ended again = site.undo({id});
  CHECK(again.status == 4);
  CHECK(again.err == "the run " + id + " was undone already, by " + by + "; nothing was touched\n");
  const Ended nothing = site.undo();
  CHECK(nothing.status == 3);
  CHECK(nothing.err == "there is no run that changed something and was not undone; nothing was touched\n");
}

namespace {

// Root's runs, in which the user daemon takes part: its state database lies in a folder that is daemon's own.
struct SharedSite : Site {
  const passwd* daemon = ::getpwnam("daemon");
  SharedSite() {
    if (!possible()) return;
    std::filesystem::permissions(folder.root(), std::filesystem::perms(0755));
    REQUIRE(::chown(folder.tree().c_str(), daemon->pw_uid, daemon->pw_gid) == 0);
  }
  ~SharedSite() {
    if (!possible()) return;
    std::filesystem::remove_all("/run/mlops-agent/" +
                                std::to_string(daemon->pw_uid));  // the folder of its lock
    std::error_code in_use;
    std::filesystem::remove("/run/mlops-agent", in_use);
  }
  bool possible() const { return ::geteuid() == 0 && daemon; }
  // What daemon may write into its own database.
  void forge(const std::string& sql) const {
    const auto database =
        mlops::open_state_database({state + "/daemon", mlops::StateDatabaseSettings::For::writing, {}, {}});
    REQUIRE(database);
    database->run(sql);
    std::filesystem::remove(state + "/daemon/settled");
  }
};

}  // namespace

TEST_CASE(
    "undo by root takes no step from another user's database that root's own does not list as that user's") {
  const SharedSite site;
  if (!site.possible()) return;
  const std::string victim = site.folder.path("victim"), other = site.folder.path("other");
  std::ofstream(victim) << "root's";
  std::ofstream(other) << "root's";
  site.apply(R"({"resources": [
    {"id": "mine", "type": "file", "path": "@/../mine", "content": "x", "as": "root"},
    {"id": "its", "type": "file", "path": "@/its", "content": "x", "as": "daemon"}]})");
  const std::string removes = R"([{"write_file":{"path":")" + victim + R"("}}])";
  site.forge("UPDATE steps SET identity = 'root', resource = 'file[forged]', actions = '" + removes +
             "', before = '[{}]', " +
             "after = '{}'; INSERT INTO steps (run, sequence, resource, type, identity, state, program, makes, "
             "claims, changes, "
             "actions, before, after) SELECT run, 99, 'file[added]', 'file', 'root', 1, 0, 0, '[]', '[]', '" +
             R"([{"write_file":{"path":")" + other + R"("}}])" + "', '[{}]', '{}' FROM steps");
  const Ended undone = site.undo();
  INFO(undone.out << undone.err);
  CHECK(undone.status == 1);  // daemon cannot do what its row says
  CHECK(AgentFolder::read(victim) == "root's");
  CHECK(AgentFolder::read(other) == "root's");
  for (const Json& line : undone.lines())
    if (line["event"] == "resource" && line["label"] == "file[its]") CHECK(line["as"] == "daemon");
  CHECK(results(undone).size() == 2);
  CHECK(results(undone).at("file[mine]") == "changed");
  CHECK_FALSE(std::filesystem::exists(site.folder.path("mine")));
}

TEST_CASE("undo by root does for another user's step nothing that only root can do") {
  const SharedSite site;
  if (!site.possible()) return;
  site.apply(
      R"({"resources": [{"id": "its", "type": "file", "path": "@/its", "content": "x", "as": "daemon"}]})");
  // apt would be asked, by root, what it is to remove.
  site.forge(R"(UPDATE steps SET actions = '[{"install_packages":{"wanted":["-oDir::Etc::Parts=/tmp"]}}]',
    before = '[{"packages":[{"name":"-oDir::Etc::Parts=/tmp","version_after":"1"}]}]', after = '{}')");
  const Ended undone = site.undo();
  CHECK(results(undone) == Outcomes{{"file[its]", "failed: what it did is not recorded where it was done"}});
}

TEST_CASE("undo reverts what another user did, as that user") {
  const SharedSite site;
  if (!site.possible()) return;
  site.apply(
      R"({"resources": [{"id": "its", "type": "file", "path": "@/its", "content": "x", "as": "daemon"}]})");
  const Ended undone = site.undo();
  INFO(undone.out << undone.err);
  CHECK(undone.status == 0);
  CHECK_FALSE(site.there("its"));
  CHECK(undone.lines().at(1)["as"] == "daemon");
}

TEST_CASE("another user's database does not make root's once-only command run again") {
  const SharedSite site;
  if (!site.possible()) return;
  const char* const playbook = R"({"resources": [
    {"id": "once", "type": "command", "shell": "echo x >> @/../ran; touch @/../done", "creates": "@/../done", "as": "root"},
    {"id": "its", "type": "file", "path": "@/its", "content": "1", "as": "daemon"},
    {"id": "theirs", "type": "command", "shell": "echo x >> @/theirs; touch @/made", "creates": "@/made", "as": "daemon"}]})";
  site.apply(playbook);
  // Interrupted, it says: root's command, and its own.
  site.forge(
      "UPDATE steps SET state = 3; INSERT INTO steps (run, sequence, resource, type, identity, state, program, "
      "makes, "
      "claims) SELECT number, 98, 'command[once]', 'command', 'daemon', 3, 1, 1, '[\"path " +
      site.folder.path("done") +
      "\"]' FROM runs; INSERT INTO steps (run, sequence, resource, type, identity, state, "
      "program, makes, claims) SELECT number, 99, 'command[once]', 'command', 'root', 3, 1, 1, '[\"path " +
      site.folder.path("done") + "\"]' FROM runs");
  site.put("its", "0");  // daemon acts again
  const Ended again = site.apply(playbook);
  CHECK(results(again).at("command[once]") == "ok");
  CHECK(results(again).at("file[its]") == "changed");
  CHECK(results(again).at("command[theirs]") == "changed");
  CHECK(AgentFolder::read(site.folder.path("ran")) == "x\n");
}
