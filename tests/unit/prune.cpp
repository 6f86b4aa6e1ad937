// What an earlier version of a playbook made and this one no longer has: reported by every plan, removed when
// asked.
#include "base/person.hpp"
#include "state/state_database.hpp"
#include "support/playbook_site.hpp"

namespace {

using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::Json;
using mlops::test::outcomes;
using mlops::test::Outcomes;
using mlops::test::Words;
using Site = mlops::test::PlaybookSite;

std::vector<std::string> notices(const Ended& run) {
  std::vector<std::string> found;
  for (const Json& line : run.lines())
    if (line["event"] == "notice") found.push_back(line["text"]);
  return found;
}

using Notices = std::vector<std::string>;

constexpr const char* both = R"({"resources": [
  {"id": "d", "type": "directory", "path": "@/d"},
  {"id": "f", "type": "file", "path": "@/d/f", "content": "x"},
  {"id": "g", "type": "file", "path": "@/g", "content": "y"}]})";
constexpr const char* one = R"({"resources": [{"id": "g", "type": "file", "path": "@/g", "content": "y"}]})";

}  // namespace

TEST_CASE("a plan reports what the playbook made and no longer has, and leaves it there") {
  const Site site;
  site.done(site.apply(both));
  site.folder.write("site.json", one);
  const Ended plan = site.run({"plan", site.playbook});
  CHECK(plan.status == 0);
  CHECK(notices(plan) == Notices{"no longer in the playbook: file[f]; --prune removes it",
                                 "no longer in the playbook: directory[d]; --prune removes it"});
  site.done(site.run({"apply", site.playbook}));
  CHECK(site.there("d/f"));
}

TEST_CASE("apply --prune removes it, what lies in a folder before the folder, and then it is forgotten") {
  const Site site;
  site.done(site.apply(both));
  site.folder.write("site.json", one);
  const Ended shown = site.run({"plan", site.playbook, "--prune"});
  CHECK(shown.status == 2);
  CHECK(site.there("d/f"));
  const Ended pruned = site.run({"apply", site.playbook, "--prune"});
  site.done(pruned);
  CHECK(outcomes(pruned) == Outcomes{{"file[g]", "ok"},
                                     {"file[" + site.at("d/f") + "]", "changed"},
                                     {"directory[" + site.at("d") + "]", "changed"}});
  CHECK_FALSE(site.there("d"));
  CHECK(site.text("g") == "y");
  CHECK(notices(site.run({"plan", site.playbook})).empty());
  // It is a run of its own, and can be undone.
  const auto runs = site.run({"history"}).lines();
  CHECK(runs.at(0)["kind"] == "prune");
  site.done(site.run({"undo", "--yes"}));
  CHECK(site.text("d/f") == "x");
}

TEST_CASE("what undo brings back, of a prune or of an undo, is the playbook's again") {
  const Site site;
  const Notices told{"no longer in the playbook: file[f]; --prune removes it",
                     "no longer in the playbook: directory[d]; --prune removes it"};
  site.done(site.apply(both));
  site.folder.write("site.json", one);
  site.done(site.run({"apply", site.playbook, "--prune"}));
  CHECK(notices(site.run({"plan", site.playbook})).empty());
  site.done(site.run({"undo", "--yes"}));
  CHECK(notices(site.run({"plan", site.playbook})) == told);
  site.done(site.run({"apply", site.playbook, "--prune"}));
  CHECK_FALSE(site.there("d"));
  // An undo that is undone: what it had removed is owned as before, and can be pruned.
  site.folder.write("site.json", both);
  site.done(site.run({"apply", site.playbook}));
  site.done(site.run({"undo", "--yes"}));
  CHECK_FALSE(site.there("d"));
  CHECK(notices(site.run({"plan", site.playbook})).empty());
  site.done(site.run({"undo", "last", "--yes"}));
  CHECK(site.text("d/f") == "x");
  site.folder.write("site.json", one);
  CHECK(notices(site.run({"plan", site.playbook})) == told);
  site.done(site.run({"prune", site.playbook}));
  CHECK_FALSE(site.there("d"));
}

TEST_CASE("prune removes it without applying the playbook") {
  const Site site;
  site.done(site.apply(both));
  site.folder.write("site.json",
                    R"({"resources": [{"id": "g", "type": "file", "path": "@/g", "content": "new"}]})");
  site.done(site.run({"prune", site.playbook}));
  CHECK_FALSE(site.there("d"));
  CHECK(site.text("g") == "y");
}

TEST_CASE("what was edited since, was there before, or is another playbook's too is not removed") {
  const Site site;
  std::ofstream(site.at("found")) << "z";
  site.done(site.apply(R"({"resources": [
    {"id": "edited", "type": "file", "path": "@/edited", "content": "x"},
    {"id": "found", "type": "file", "path": "@/found", "content": "z"},
    {"id": "shared", "type": "file", "path": "@/shared", "content": "s"}]})"));
  const std::string other = site.folder.write(
      "other.json", R"({"resources": [{"id": "s", "type": "file", "path": "@/shared", "content": "s"}]})");
  site.done(site.run({"apply", other}));
  std::ofstream(site.at("edited")) << "mine";
  const Ended pruned = site.apply(R"({"resources": []})", {"--prune"});
  CHECK(pruned.status == 0);
  const auto told = notices(pruned);
  REQUIRE(told.size() == 2);
  CHECK_THAT(told[0], Catch::StartsWith("no longer in the playbook: file[shared]; it stays: " +
                                        site.at("shared") + " is also of the playbook "));
  CHECK(told[1] ==
        "no longer in the playbook: file[edited]; it stays: " + site.at("edited") + " was changed since");
  CHECK(site.text("edited") == "mine");
  CHECK(site.text("found") == "z");
  CHECK(site.text("shared") == "s");
}

TEST_CASE("what has another name now, is skipped, or is not selected is still the playbook's") {
  const Site site;
  site.done(site.apply(both));
  site.done(site.apply(R"({"resources": [
    {"id": "folder", "type": "directory", "path": "@/d"},
    {"type": "file", "path": "@/d/f", "content": "x"},
    {"id": "g", "type": "file", "path": "@/g", "content": "y", "when": {"facts.os.id": "none such"}}]})",
                       {"--prune"}));
  CHECK(site.there("d/f"));
  CHECK(site.there("g"));
  CHECK(notices(site.apply(both, {"--only", "g"})).empty());
  const Ended part = site.run({"apply", site.playbook, "--prune", "--only", "g"});
  CHECK(part.status == 3);
  CHECK(part.err == "--prune looks at the whole playbook: it excludes --only and --tag\n");
}

TEST_CASE("resources with state absent hide nothing from prune") {
  const Site site;
  site.done(site.apply(both));
  // Two that are gone from the playbook, and two with state absent.
  const char* const absences = R"({"resources": [
    {"id": "g", "type": "file", "path": "@/g", "content": "y"},
    {"id": "x", "type": "file", "path": "@/x", "state": "absent"},
    {"id": "z", "type": "file", "path": "@/z", "state": "absent"}]})";
  site.done(site.apply(absences));
  const Notices all = {"no longer in the playbook: file[f]; --prune removes it",
                       "no longer in the playbook: directory[d]; --prune removes it"};
  CHECK(notices(site.run({"plan", site.playbook})) == all);
  CHECK(notices(site.apply(absences)) == all);
  site.done(site.apply(absences, {"--prune"}));
  CHECK_FALSE(site.there("d"));
}

TEST_CASE("a resource that was given an id is still what the playbook made") {
  const Site site;
  site.done(site.apply(R"({"resources": [{"type": "file", "path": "@/f", "content": "1"}]})"));
  site.done(site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/f", "content": "1"}]})"));
  site.done(site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/f", "content": "2"}]})"));
  const Ended pruned = site.apply(R"({"resources": []})", {"--prune"});
  site.done(pruned);
  CHECK(notices(pruned).empty());
  CHECK_FALSE(site.there("f"));
}

TEST_CASE("ids that were passed on and taken over change nothing of what the playbook made") {
  const Site site;
  std::ofstream(site.at("found")) << "1";
  site.done(site.apply(R"({"resources": [
    {"id": "a", "type": "file", "path": "@/made", "content": "1"},
    {"id": "b", "type": "file", "path": "@/found", "content": "1"}]})"));
  site.done(site.apply(R"({"resources": [
    {"id": "b", "type": "file", "path": "@/made", "content": "1"},
    {"id": "a", "type": "file", "path": "@/found", "content": "1"}]})"));
  site.done(site.apply(R"({"resources": []})", {"--prune"}));
  CHECK_FALSE(site.there("made"));
  CHECK(site.there("found"));
}

TEST_CASE("what a resource owned before its path was changed is pruned") {
  const Site site;
  site.done(site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/old", "content": "1"}]})"));
  const Ended moved =
      site.apply(R"({"resources": [{"id": "f", "type": "file", "path": "@/new", "content": "1"}]})");
  site.done(moved);
  CHECK(notices(site.run({"plan", site.playbook})) ==
        Notices{"no longer in the playbook: file[" + site.at("old") + "]; --prune removes it"});
  site.done(site.run({"apply", site.playbook, "--prune"}));
  CHECK_FALSE(site.there("old"));
  CHECK(site.there("new"));
}

TEST_CASE("forget accepts what stays: it is no longer reported, and stays") {
  const Site site;
  site.done(site.apply(both));
  std::ofstream(site.at("d/f")) << "mine";
  site.done(site.apply(one));
  CHECK(notices(site.run({"plan", site.playbook})).size() == 2);
  const auto forget = [&](Words words) {
    words.insert(words.begin(), "forget");
    words.insert(words.end(), {"--state", site.state});
    return site.folder.run(words);
  };
  const Ended unknown = forget({"file[none]"});
  CHECK(unknown.status == 3);
  CHECK(unknown.err == "no playbook is recorded to own file[none]; nothing was touched\n");
  const Ended forgotten = forget({"file[f]"});
  CHECK(forgotten.status == 0);
  CHECK(forgotten.out ==
        "file[f] is no longer owned by the playbook " + site.playbook + "; it stays as it is\n");
  CHECK(forget({"directory[d]", "--playbook", site.playbook}).status == 0);
  CHECK(notices(site.run({"plan", site.playbook})).empty());
  CHECK(site.text("d/f") == "mine");
}

TEST_CASE("a folder with entries that the playbook did not make stays, and the plan says why") {
  const Site site;
  site.done(site.apply(both));
  std::ofstream(site.at("d/theirs")) << "x";
  site.folder.write("site.json", one);
  const Notices stays = {"no longer in the playbook: directory[d]; it stays: " + site.at("d") +
                         " is not empty: it holds theirs"};
  const Ended plan = site.run({"plan", site.playbook, "--prune"});
  CHECK(plan.status == 2);
  CHECK(notices(plan) == stays);
  const Ended pruned = site.run({"apply", site.playbook, "--prune"});
  site.done(pruned);
  CHECK(notices(pruned) == stays);
  CHECK_FALSE(site.there("d/f"));
  CHECK(site.text("d/theirs") == "x");
}

TEST_CASE("what the playbook made in a folder goes before the folder, whichever it made first") {
  const Site site;
  const char* const folder_and_file = R"({"resources": [
    {"id": "d", "type": "directory", "path": "@/d"},
    {"id": "f", "type": "file", "path": "@/d/f", "content": "x"}]})";
  site.done(site.apply(folder_and_file));
  // The folder is created again, and so is newer than the file, which comes back as it was.
  std::filesystem::remove_all(site.at("d"));
  site.done(site.apply(R"({"resources": [{"id": "d", "type": "directory", "path": "@/d"}]})"));
  std::ofstream(site.at("d/f")) << "x";
  site.done(site.apply(folder_and_file));
  const Ended pruned = site.apply(R"({"resources": []})", {"--prune"});
  site.done(pruned);
  CHECK(notices(pruned).empty());
  CHECK_FALSE(site.there("d"));
}

TEST_CASE(
    "a playbook with a name is known when it was moved, and one of an older version by its path and host") {
  const Site site;
  const std::string named = R"({"name": "web", "resources": [)", unnamed = R"({"resources": [)";
  const std::string f = R"({"id": "f", "type": "file", "path": "@/f", "content": "x"})";
  SECTION("moved") {
    site.done(site.apply((named + f + "]}").c_str()));
    std::filesystem::remove(site.playbook);
    const std::string moved = site.folder.write("moved.json", named + "]}");
    const Ended pruned = site.run({"apply", moved, "--prune"});
    site.done(pruned);
    CHECK_FALSE(site.there("f"));
  }
  SECTION("named later") {
    site.done(site.apply((unnamed + f + "]}").c_str()));
    site.folder.write("site.json", named + "]}");
    CHECK(notices(site.run({"plan", site.playbook})) ==
          Notices{"no longer in the playbook: file[f]; --prune removes it"});
    site.done(site.apply((named + "]}").c_str(), {"--prune"}));
    CHECK_FALSE(site.there("f"));
  }
  const auto by_host_name = [&] {
    char host[256] = {};
    REQUIRE(::gethostname(host, sizeof host - 1) == 0);
    const std::string folder = site.state + "/" + mlops::effective_person().name;
    const auto database =
        mlops::open_state_database({folder, mlops::StateDatabaseSettings::For::writing, {}, {}});
    for (const char* table : {"ledger", "runs"})
      database->run("UPDATE " + std::string(table) + " SET playbook_key = '" + host + ":" + site.playbook +
                    "'");
    std::filesystem::remove(folder + "/settled");
  };
  SECTION("recorded by a version that knew it by the host's name") {
    site.done(site.apply((unnamed + f + "]}").c_str()));
    by_host_name();
    site.folder.write("site.json", unnamed + "]}");
    CHECK(notices(site.run({"plan", site.playbook})) ==
          Notices{"no longer in the playbook: file[f]; --prune removes it"});
    site.done(site.apply((unnamed + "]}").c_str()));  // takes it over
    site.done(site.apply((unnamed + "]}").c_str(), {"--prune"}));
    CHECK_FALSE(site.there("f"));
  }
  SECTION("pruned at once, before anything took over what such a version recorded") {
    std::filesystem::create_directory(site.at("home"));
    const std::string entry = R"({"id": "e", "type": "path_entry", "path": "/opt/x", "home": "@/home"})";
    site.done(site.apply((unnamed + entry + "]}").c_str()));
    by_host_name();
    site.folder.write("site.json", unnamed + "]}");
    CHECK(outcomes(site.run({"prune", site.playbook})) == Outcomes{{"path_entry[/opt/x]", "changed"}});
    CHECK(outcomes(site.run({"prune", site.playbook})).empty());
  }
}
