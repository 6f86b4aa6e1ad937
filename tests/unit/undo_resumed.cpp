// undo and prune that were killed or had a failing call: resumed, repeated and undone like any run.
#include <functional>
#include <limits>
#include <random>

#include "base/person.hpp"
#include "state/state_database.hpp"
#include "support/disturbed_process.hpp"
#include "support/playbook_site.hpp"
#include "support/recorded.hpp"

namespace {

namespace fs = std::filesystem;
using namespace mlops;
using mlops::test::AgentFolder;
using mlops::test::Disturbance;
using mlops::test::disturbed;
using mlops::test::Ended;
using mlops::test::Json;
using mlops::test::Words;

using Tree = std::map<std::string, std::string>;

struct Site : test::PlaybookSite {
  std::string newest_run() const { return history().at(0)["id"]; }
  Tree content() const {
    Tree all;
    for (const auto& entry : fs::recursive_directory_iterator(folder.tree())) {
      struct stat s {};
      ::lstat(entry.path().c_str(), &s);
      all[entry.path()] =
          std::to_string(s.st_mode) + (S_ISREG(s.st_mode)   ? AgentFolder::read(entry.path())
                                       : S_ISLNK(s.st_mode) ? fs::read_symlink(entry.path()).string()
                                                            : "");
    }
    return all;
  }
  bool has_leftovers() const {
    const Tree all = content();
    return std::any_of(all.begin(), all.end(),
                       [](const auto& e) { return e.first.find(".mlops-agent-") != std::string::npos; });
  }
  // The rows of a query, of one column.
  std::vector<std::string> rows(const char* sql) const {
    const auto database = open_state_database(
        {state + "/" + effective_person().name, StateDatabaseSettings::For::reading, {}, {}});
    std::vector<std::string> all;
    if (database)
      for (Statement& query = database->statement(sql).with(); query.step();) all.push_back(query.text(0));
    return all;
  }
};

struct Scenario {
  const char* name;
  std::function<void(const Site&)> before;
  const char* playbook;
};

void tree_of_files(const Site& site) {
  site.put("tree/a", "1\n");
  site.put("tree/sub/b", "2\n");
  site.put("tree/sub/c", "3\n");
  fs::create_symlink("a", site.at("tree/link"));
  ::chmod(site.at("tree/sub").c_str(), 0750);
}

// Beside the tree.
void repository(const Site& site) {
  const std::string at = site.folder.path("upstream");
  const std::string make = "git init -q " + at + " && git -C " + at +
                           " -c user.name=a -c user.email=a@b commit -q --allow-empty -m 1 >/dev/null";
  REQUIRE(std::system(make.c_str()) == 0);
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"a folder and files in it", [](const Site&) {}, R"({"resources": [
        {"type": "directory", "path": "@/d", "mode": "0750"},
        {"type": "file", "path": "@/d/f", "content": "f\n"},
        {"type": "file", "path": "@/d/g", "content": "g\n", "mode": "0600"}]})"},
      {"folders above", [](const Site&) {}, R"({"resources": [
        {"type": "directory", "path": "@/a/b/c", "parents": true},
        {"type": "file", "path": "@/a/b/c/f", "content": "f\n"}]})"},
      {"ssh_host without a folder for its file",
       [](const Site& site) { fs::create_directory(site.at("home")); },
       R"({"resources": [{"type": "ssh_host", "name": "box", "hostname": "192.0.2.1", "config": "@/home/.ssh/config"}]})"},
      {"fish's path_entry", [](const Site& site) { fs::create_directory(site.at("home")); },
       R"({"resources": [{"type": "path_entry", "path": "@/bin", "home": "@/home", "shells": ["fish", "bash"]}]})"},
      {"files changed and removed",
       [](const Site& site) {
         site.put("old", "before\n");
         site.put("gone", "was here\n");
         ::chmod(site.at("gone").c_str(), 0640);
         fs::create_directory(site.at("mode"));
       },
       R"({"resources": [
        {"type": "file", "path": "@/old", "content": "changed\n", "mode": "0600"},
        {"type": "file", "path": "@/gone", "state": "absent"},
        {"type": "directory", "path": "@/mode", "mode": "0700"},
        {"type": "file", "path": "@/mode/new", "content": "new\n"}]})"},
      {"a tree removed", tree_of_files, R"({"resources": [
        {"type": "directory", "path": "@/tree", "state": "absent", "recursive": true}]})"},
      {"a clone", repository, R"({"resources": [{"type": "git", "repo": "@/../upstream", "to": "@/clone"}]})"},
      {"a tree replaced by a file", tree_of_files, R"({"resources": [
        {"type": "file", "path": "@/tree", "content": "x\n", "force": true, "recursive": true}]})"},
  };
  return all;
}

// A site where a playbook is about to be applied.
void set_up(const Site& site, const Scenario& scenario) {
  scenario.before(site);
  site.folder.write("site.json", scenario.playbook);
}

// Which calls are disturbed, of so many: all where there are few.
std::vector<unsigned> some_of(unsigned calls, unsigned most, unsigned seed) {
  std::vector<unsigned> points;
  for (unsigned i = 1; i <= calls; ++i) points.push_back(i);
  std::shuffle(points.begin(), points.end(), std::mt19937(seed));
  if (points.size() > most) points.resize(most);
  return points;
}

constexpr unsigned to_its_end = std::numeric_limits<unsigned>::max();  // no program makes so many calls

// How many calls of the kind the command makes, undisturbed, on a site like that.
unsigned calls_of(const Scenario& scenario, bool applied, const Words& command, Disturbance how) {
  const Site site;
  set_up(site, scenario);
  if (applied) site.done(site.run({"apply", site.playbook}));
  Words words = command;
  if (words.at(0) == "apply") words.push_back(site.playbook);
  const test::Disturbed whole = disturbed(site.folder, site.words(words), how, to_its_end);
  REQUIRE_FALSE(whole.reached);
  REQUIRE(whole.calls > 0);
  return whole.calls;
}

}  // namespace

TEST_CASE("undo, undo of that undo, and undo of that restore the state each time", "[long]") {
  for (const Scenario& scenario : scenarios()) {
    INFO(scenario.name);
    const Site site;
    set_up(site, scenario);
    const Tree before = site.content();
    site.done(site.run({"apply", site.playbook}));
    const Tree after = site.content();
    REQUIRE(after != before);
    site.done(site.undo());
    CHECK(site.content() == before);
    site.done(site.undo({site.newest_run()}));
    CHECK(site.content() == after);
    site.done(site.undo({site.newest_run()}));
    CHECK(site.content() == before);
    CHECK(site.undo().status == 3);
  }
}

TEST_CASE("an undo that was killed anywhere is resumed by the next, and both are undone as one", "[long]") {
  for (const Scenario& scenario : scenarios()) {
    const unsigned calls = calls_of(scenario, true, {"undo", "--yes"}, Disturbance::kill);
    for (const unsigned point : some_of(calls, 12, 27)) {
      INFO(scenario.name << ", killed at call " << point);
      const Site site;
      set_up(site, scenario);
      const Tree before = site.content();
      site.done(site.run({"apply", site.playbook}));
      const Tree after = site.content();
      if (!disturbed(site.folder, site.words({"undo", "--yes"}), Disturbance::kill, point).reached) continue;
      const Ended shown = site.run({"undo", "--dry-run"});
      INFO(shown.out << shown.err);
      CHECK((shown.status == 0 || shown.status == 2 || shown.status == 3));
      const Ended resumed = site.undo();
      INFO(resumed.out << resumed.err);
      CHECK((resumed.status == 0 || resumed.status == 3));  // 3: it was killed after its last action
      CHECK(site.content() == before);
      CHECK(site.undo().status == 3);
      CHECK(site.rows("SELECT count(*) FROM steps WHERE state IN (0, 3)").at(0) == "0");
      const Ended back = site.undo({site.newest_run()});
      INFO(back.out << back.err);
      CHECK(back.status == 0);
      CHECK(site.content() == after);
    }
  }
}

TEST_CASE("an undo with a failed call resumes where it stopped, without --force", "[long]") {
  for (const Scenario& scenario : scenarios()) {
    const unsigned calls = calls_of(scenario, true, {"undo", "--yes"}, Disturbance::fail);
    for (const unsigned point : some_of(calls, 10, 5)) {
      INFO(scenario.name << ", call " << point << " fails");
      const Site site;
      set_up(site, scenario);
      const Tree before = site.content();
      site.done(site.run({"apply", site.playbook}));
      const auto first = disturbed(site.folder, site.words({"undo", "--yes"}), Disturbance::fail, point);
      if (!first.reached) continue;
      INFO(first.ended.out << first.ended.err);
      if (first.ended.status != 0) {
        const Ended again = site.undo();
        INFO(again.out << again.err);
        CHECK((again.status == 0 || again.status == 3));
      }
      CHECK(site.content() == before);
    }
  }
}

TEST_CASE("a run that was killed anywhere is undone at once, and what it left half done does not come back",
          "[long]") {
  for (const Scenario& scenario : scenarios()) {
    const unsigned calls = calls_of(scenario, false, {"apply"}, Disturbance::kill);
    for (const unsigned point : some_of(calls, 12, 28)) {
      INFO(scenario.name << ", killed at call " << point);
      const Site site;
      set_up(site, scenario);
      const Tree before = site.content();
      if (!disturbed(site.folder, site.words({"apply", site.playbook}), Disturbance::kill, point).reached)
        continue;
      const Ended undone = site.undo();
      INFO(undone.out << undone.err);
      CHECK((undone.status == 0 || undone.status == 3));  // 3: nothing had been begun
      CHECK(site.content() == before);
      if (undone.status == 3) continue;
      CHECK(site.rows("SELECT count(*) FROM steps WHERE state IN (0, 3)").at(0) == "0");
      site.done(site.undo({site.newest_run()}));
      CHECK_FALSE(site.has_leftovers());
      site.done(site.undo({site.newest_run()}));
      CHECK(site.content() == before);
    }
  }
}

TEST_CASE("a run of which nothing is left to undo is not what undo picks the next time") {
  const Site site;
  site.folder.write("site.json", R"({"resources": [{"type": "file", "path": "@/first", "content": "1"}]})");
  site.done(site.run({"apply", site.playbook}));
  site.folder.write("site.json", R"({"resources": [
    {"type": "file", "path": "@/first", "content": "1"}, {"type": "file", "path": "@/second", "content": "2"}]})");
  site.done(site.run({"apply", site.playbook}));
  const std::string second = site.newest_run();
  fs::remove(site.at("second"));
  CHECK(site.run({"undo", "--dry-run"}).status == 0);
  CHECK(site.newest_run() == second);  // only shown
  site.done(site.undo());
  CHECK(site.run({"history"}).lines().at(1)["undone_by"] == site.newest_run());
  site.done(site.undo());
  CHECK(site.content().empty());
  CHECK(site.undo().status == 3);
}

TEST_CASE("a run is undone though it was applied again after an undo that was killed before it did anything") {
  const Site site;
  site.folder.write("site.json", R"({"resources": [{"type": "file", "path": "@/f", "content": "1"}]})");
  site.done(site.run({"apply", site.playbook}));
  for (unsigned point = 1;; ++point) {
    REQUIRE(disturbed(site.folder, site.words({"undo", "--yes"}), Disturbance::kill, point).reached);
    if (!site.rows("SELECT resource FROM steps JOIN runs ON run = number WHERE kind = 'undo'").empty()) break;
  }
  REQUIRE(fs::exists(site.at("f")));
  site.done(site.run({"apply", site.playbook}));  // finds all converged
  site.done(site.undo());
  CHECK_FALSE(fs::exists(site.at("f")));
}

TEST_CASE(
    "what one identity did and did not write down fails by itself, and what it never began is no failure") {
  const Site site;
  const auto record = [&] {
    test::Recorder recorder(site.state);
    recorder.begin();
    recorder.perform("file[mine]", {WriteFile{.path = site.at("mine"), .content = "1"}});
    recorder.announce("file[theirs]", "nobody");
    recorder.end("failed");
  };
  const auto outcome_of = [](const Ended& ended, const std::string& label) {
    std::string found;
    for (const Json& line : ended.lines())
      if (line["event"] == "resource" && line["label"] == label) found = line["outcome"];
    return found;
  };
  record();
  const Ended undone = site.undo();
  INFO(undone.out << undone.err);
  CHECK(undone.status == 1);
  CHECK(outcome_of(undone, "file[theirs]") == "failed");
  CHECK(outcome_of(undone, "file[mine]") == "changed");
  CHECK_FALSE(fs::exists(site.at("mine")));
  if (::geteuid() != 0) return;  // nobody cannot be asked then
  CHECK_THAT(undone.out, Catch::Contains("what it did is not recorded where it was done"));
  // Announced, and never begun by who was to act.
  record();
  open_state_database({site.state + "/" + effective_person().name, StateDatabaseSettings::For::writing, {}, {}})
      ->run("UPDATE steps SET state = 2, reason = 'no room' WHERE resource = 'file[theirs]'");
  const Ended again = site.undo();
  INFO(again.out << again.err);
  CHECK(again.status == 0);
  CHECK(outcome_of(again, "file[theirs]") == "skipped");
  CHECK_FALSE(fs::exists(site.at("mine")));
}

TEST_CASE("what somebody changed after an undo was killed is still theirs") {
  const Site site;
  tree_of_files(site);
  site.folder.write("site.json", R"({"resources": [{"type": "file", "path": "@/new/f", "content": "1"}]})");
  fs::create_directory(site.at("new"));
  site.done(site.run({"apply", site.playbook}));
  // Killed when it is about to remove the file.
  for (unsigned point = 1;; ++point) {
    REQUIRE(disturbed(site.folder, site.words({"undo", "--yes"}), Disturbance::kill, point).reached);
    if (!site.rows("SELECT resource FROM steps JOIN runs ON run = number WHERE kind = 'undo'").empty()) break;
  }
  REQUIRE(fs::exists(site.at("new/f")));
  site.put("new/f", "mine\n");
  const Ended refused = site.undo();
  CHECK(refused.status == 1);
  CHECK_THAT(refused.out, Catch::Contains("changed since: " + site.at("new/f")));
  CHECK(AgentFolder::read(site.at("new/f")) == "mine\n");
}

TEST_CASE("a prune that was killed anywhere is resumed by the next one, and can be undone", "[long]") {
  constexpr const char* nothing = R"({"resources": []})";
  const Scenario scenario{"", repository, R"({"resources": [
    {"type": "directory", "path": "@/d"},
    {"type": "file", "path": "@/d/f", "content": "f\n"},
    {"type": "git", "repo": "@/../upstream", "to": "@/clone"}]})"};
  const auto prepare = [&](const Site& site) {
    set_up(site, scenario);
    site.done(site.run({"apply", site.playbook}));
    site.folder.write("site.json", nothing);
  };
  unsigned calls = 0;
  {
    const Site site;
    prepare(site);
    calls = disturbed(site.folder, site.words({"prune", site.playbook}), Disturbance::kill, to_its_end).calls;
  }
  unsigned reached = 0;
  for (const unsigned point : some_of(calls, 30, 3)) {
    INFO("killed at call " << point);
    const Site site;
    prepare(site);
    const Tree after = site.content();
    if (!disturbed(site.folder, site.words({"prune", site.playbook}), Disturbance::kill, point).reached)
      continue;
    ++reached;
    const Ended again = site.run({"prune", site.playbook});
    INFO(again.out << again.err);
    CHECK(again.status == 0);
    CHECK(site.content().empty());
    const Ended plan = site.run({"plan", site.playbook});
    CHECK_THAT(plan.out, !Catch::Contains("no longer in the playbook"));
    CHECK(site.rows("SELECT count(*) FROM steps WHERE state IN (0, 3)").at(0) == "0");
    // Each of them is undone, the last one first.
    while (site.rows("SELECT id FROM runs WHERE kind = 'prune'").size() > 0 && site.content() != after) {
      const Ended undone = site.undo();
      INFO(undone.out << undone.err);
      REQUIRE(undone.status == 0);
      if (undone.out.find("apply") != std::string::npos) break;
    }
    CHECK(site.content() == after);
  }
  CHECK(reached > 10);
}
