// What a run on another host leaves there for later ones.
#include "base/person.hpp"
#include "state/database.hpp"
#include "state/state_database.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops;
using namespace mlops::test;

TEST_CASE("A run on another host is recorded there, and the next one here reports that it was interrupted",
          "[long]") {
  const SshServer server;
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "f", "path": "@/f", "content": "1"}]})");
  const auto apply = [&] {
    return folder.run({"apply", "--json", playbook, "--host", "box", "--ssh-config", server.config("")});
  };
  REQUIRE(apply().status == 0);
  const auto database = open_state_database(
      {folder.state() + "/" + effective_person().name, StateDatabaseSettings::For::writing, {}, {}});
  REQUIRE(database);
  CHECK(database->integer("SELECT count(*) FROM runs WHERE outcome = 'done'") == 1);
  CHECK(database->integer("SELECT count(*) FROM steps WHERE resource = 'file[f]' AND state = 1") == 1);
  CHECK(database->integer("SELECT count(*) FROM ledger WHERE origin = 'created'") == 1);

  database->run("UPDATE steps SET state = 0; UPDATE runs SET outcome = NULL, ended = NULL");
  std::filesystem::remove(folder.state() + "/" + effective_person().name + "/settled");
  std::vector<std::string> notices;
  for (const Json& line : apply().lines())
    if (line["event"] == "notice")
      notices.push_back(line["host"].get<std::string>() + ": " + line["text"].get<std::string>());
  REQUIRE(notices.size() == 1);
  CHECK_THAT(notices[0], Catch::StartsWith("box: an earlier run of " + playbook) &&
                             Catch::EndsWith("was interrupted during file[f]"));
  CHECK(database->integer("SELECT count(*) FROM steps WHERE state = 4") == 1);
}

namespace {

// A host on which a first version of a playbook made the files a and b.
struct Site : AgentFolder {
  SshServer server;
  std::string playbook;

  Site() {
    hold(R"({"type": "file", "id": "a", "path": "@/a", "content": "1"},
            {"type": "file", "id": "b", "path": "@/b", "content": "2"})");
    REQUIRE(on_box({"apply", playbook}).status == 0);
  }
  void hold(const std::string& resources) {
    playbook = write("p.json", R"({"resources": [)" + resources + "]}");
  }
  // The command line on the host, with the state in this folder.
  Ended on_box(Words words) const {
    words.insert(words.end(), {"--host", "box", "--ssh-config", server.config(), "--state", state()});
    return run(words);
  }
  bool has(const std::string& name) const { return std::filesystem::exists(tree() + "/" + name); }
};

std::string outcome_of(const Ended& ended, const std::string& label) {
  for (const Json& line : ended.lines())
    if (line.at("event") == "resource" && line.at("label") == label)
      return line.at("host").get<std::string>() + " " + line.at("outcome").get<std::string>();
  return "none";
}

}  // namespace

TEST_CASE("What a playbook no longer has on another host is reported, and removed there by --prune and prune",
          "[long]") {
  Site site;
  site.hold(R"({"type": "file", "id": "a", "path": "@/a", "content": "1"})");
  const Ended told = site.on_box({"apply", "--json", site.playbook});
  CHECK(told.status == 0);
  CHECK_THAT(told.out, Catch::Contains(R"("host":"box")") &&
                           Catch::Contains("no longer in the playbook: file[b]; --prune removes it"));
  CHECK(site.has("b"));
  const Ended planned = site.on_box({"plan", "--json", "--prune", site.playbook});
  CHECK(planned.status == 2);
  CHECK(outcome_of(planned, "file[" + site.tree() + "/b]") == "box would_change");
  CHECK(site.has("b"));
  SECTION("with apply") {
    const Ended pruned = site.on_box({"apply", "--json", "--prune", site.playbook});
    INFO(pruned.out << pruned.err);
    CHECK(pruned.status == 0);
    CHECK(outcome_of(pruned, "file[a]") == "box ok");
    CHECK(outcome_of(pruned, "file[" + site.tree() + "/b]") == "box changed");
    CHECK(pruned.lines().back().at("hosts")[0].at("changed") == 1);
  }
  SECTION("alone") {
    const Ended pruned = site.on_box({"prune", "--json", site.playbook});
    INFO(pruned.out << pruned.err);
    CHECK(pruned.status == 0);
    CHECK(outcome_of(pruned, "file[" + site.tree() + "/b]") == "box changed");
  }
  CHECK_FALSE(site.has("b"));
  CHECK(site.has("a"));
  // And then it is forgotten.
  CHECK_THAT(site.on_box({"apply", "--json", site.playbook}).out,
             !Catch::Contains("no longer in the playbook"));
}

TEST_CASE("The history of another host is shown as one's own, each run in full", "[long]") {
  const Site site;
  const Ended all = site.on_box({"history", "--json"});
  REQUIRE(all.status == 0);
  REQUIRE(all.lines().size() == 1);
  const Json run = all.lines()[0];
  CHECK(run.at("host") == "box");
  CHECK(run.at("kind") == "apply");
  CHECK(run.at("counts").at("changed") == 2);
  const Ended one = site.on_box({"history", run.at("id"), "--json"});
  REQUIRE(one.lines().size() == 3);
  CHECK(one.lines()[1].at("label") == "file[a]");
  CHECK(one.lines()[2].at("label") == "file[b]");
  CHECK_THAT(site.on_box({"history", "last"}).out, Catch::Contains("file[b]"));
  const Ended none = site.on_box({"history", "ffff"});
  CHECK(none.status == 3);
  CHECK_THAT(none.err, Catch::StartsWith("box: there is no run ffff"));
}

TEST_CASE("A run on another host is undone from here", "[long]") {
  const Site site;
  const Ended shown = site.on_box({"undo", "--dry-run", "--json"});
  CHECK(shown.status == 2);
  CHECK(outcome_of(shown, "file[b]") == "box would_change");
  CHECK(site.has("b"));
  const Ended unasked = site.on_box({"undo"});
  CHECK(unasked.status == 4);
  CHECK(site.has("b"));
  const Ended undone = site.on_box({"undo", "--yes", "--json"});
  INFO(undone.out << undone.err);
  CHECK(undone.status == 0);
  CHECK(outcome_of(undone, "file[a]") == "box changed");
  CHECK_FALSE(site.has("a"));
  CHECK_FALSE(site.has("b"));
  const Ended again = site.on_box({"undo", "--yes"});
  CHECK(again.status == 3);
  CHECK_THAT(again.err, Catch::StartsWith("box: there is no run that changed something and was not undone"));
  // And the undo itself can be undone, as on one's own machine.
  const std::string id = site.on_box({"history", "--json"}).lines()[0].at("id");
  CHECK(site.on_box({"undo", id, "--yes"}).status == 0);
  CHECK(AgentFolder::read(site.tree() + "/a") == "1");
}

TEST_CASE("Of several hosts, one that is not reached does not keep the others from being undone", "[long]") {
  const Site site;
  const std::string config = site.server.config("Host gone\n  HostName 127.0.0.1\n  Port 9\n");
  const Ended ended = site.run(
      {"undo", "--yes", "--host", "gone", "--host", "box", "--ssh-config", config, "--state", site.state()});
  CHECK(ended.status == 1);
  CHECK_THAT(ended.err, Catch::StartsWith("gone: ") && Catch::Contains("nothing was touched"));
  CHECK_FALSE(site.has("a"));
}

TEST_CASE("A plan for another host is kept, and does there what it said and nothing else", "[long]") {
  Site site;
  site.hold(R"({"type": "file", "id": "a", "path": "@/a", "content": "one"},
               {"type": "file", "id": "c", "path": "@/c", "content": "three"})");
  const std::string plan = site.path("plan");
  const Ended kept = site.on_box({"plan", site.playbook, "--out", plan});
  INFO(kept.out << kept.err);
  REQUIRE(kept.status == 2);
  CHECK_THAT(kept.err, Catch::Contains("the plan is saved in " + plan));
  site.hold(
      R"({"type": "file", "id": "a", "path": "@/a", "content": "another"})");  // the plan has its own text
  const Words apply{"apply", "--json", plan, "--state", site.state()};
  SECTION("as it was planned") {
    const Ended applied = site.run(apply);
    INFO(applied.out << applied.err);
    CHECK(applied.status == 0);
    CHECK(outcome_of(applied, "file[a]") == "box changed");
    CHECK(AgentFolder::read(site.tree() + "/a") == "one");
    CHECK(site.has("c"));
  }
  SECTION("but where the host has changed since, that resource is refused") {
    std::ofstream(site.tree() + "/a") << "by hand";
    const Ended applied = site.run(apply);
    CHECK(applied.status == 1);
    CHECK(outcome_of(applied, "file[a]") == "box failed");
    CHECK_THAT(applied.out, Catch::Contains("changed since the plan was made"));
    CHECK(AgentFolder::read(site.tree() + "/a") == "by hand");
    CHECK(site.has("c"));
  }
  SECTION("with --all-or-nothing nothing is begun there") {
    std::ofstream(site.tree() + "/a") << "by hand";
    Words all = apply;
    all.push_back("--all-or-nothing");
    const Ended applied = site.run(all);
    INFO(applied.out << applied.err);
    CHECK(applied.status == 4);
    CHECK_THAT(applied.err, Catch::Contains("the plan is no longer valid for file[a]"));
    CHECK_FALSE(site.has("c"));
  }
}
