// What an earlier version of a playbook made and this one no longer has: told by every plan, removed when asked.
#include "support/agent_process.hpp"
#include "support/catch.hpp"

namespace {

using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::Json;
using mlops::test::Words;

struct Site {
  AgentFolder folder;
  std::string state = folder.path("state"), playbook = folder.path("site.json");

  Ended run(Words words) const {
    words.insert(words.end(), {"--state", state, "--json"});
    return folder.run(words);
  }
  Ended apply(const char* text, Words more = {}) const {
    more.insert(more.begin(), {"apply", folder.write("site.json", text)});
    return run(more);
  }
  void done(const Ended& ended) const {
    INFO(ended.out << ended.err);
    REQUIRE(ended.status == 0);
  }
  std::string at(const char* name) const { return folder.tree() + "/" + name; }
  std::string text(const char* name) const { return AgentFolder::read(at(name)); }
  bool there(const char* name) const { return std::filesystem::exists(at(name)); }
};

std::vector<std::string> notices(const Ended& run) {
  std::vector<std::string> found;
  for (const Json& line : run.lines())
    if (line["event"] == "notice") found.push_back(line["text"]);
  return found;
}
std::map<std::string, std::string> outcomes(const Ended& run) {
  std::map<std::string, std::string> found;
  for (const Json& line : run.lines())
    if (line["event"] == "resource") found[line["label"].get<std::string>()] = line["outcome"].get<std::string>();
  return found;
}

using Outcomes = std::map<std::string, std::string>;
using Notices = std::vector<std::string>;

constexpr const char* both = R"({"resources": [
  {"id": "d", "type": "directory", "path": "@/d"},
  {"id": "f", "type": "file", "path": "@/d/f", "content": "x"},
  {"id": "g", "type": "file", "path": "@/g", "content": "y"}]})";
constexpr const char* one = R"({"resources": [{"id": "g", "type": "file", "path": "@/g", "content": "y"}]})";

}  // namespace

TEST_CASE("a plan tells what the playbook made and no longer has, and leaves it there") {
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

TEST_CASE("prune removes it without applying the playbook") {
  const Site site;
  site.done(site.apply(both));
  site.folder.write("site.json", R"({"resources": [{"id": "g", "type": "file", "path": "@/g", "content": "new"}]})");
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
  const std::string other =
      site.folder.write("other.json", R"({"resources": [{"id": "s", "type": "file", "path": "@/shared", "content": "s"}]})");
  site.done(site.run({"apply", other}));
  std::ofstream(site.at("edited")) << "mine";
  const Ended pruned = site.apply(R"({"resources": []})", {"--prune"});
  CHECK(pruned.status == 0);
  const auto told = notices(pruned);
  REQUIRE(told.size() == 2);
  CHECK_THAT(told[0], Catch::StartsWith("no longer in the playbook: file[shared]; it stays: " + site.at("shared") +
                                        " is also of the playbook "));
  CHECK(told[1] == "no longer in the playbook: file[edited]; it stays: " + site.at("edited") + " was changed since");
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
  CHECK(part.err == "--prune looks at all of a playbook: without --only and --tag\n");
}
