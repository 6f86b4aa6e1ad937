// why: desired and current state of a resource, and where each value comes from.
#include "support/agent_process.hpp"
#include "support/catch.hpp"

namespace {

using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::Json;

constexpr const char* playbook = R"({"vars": {
  "folder": "@",
  "name": "{{vars.folder}}/f"},
"resources": [
  {"id": "f", "type": "file", "path": "{{vars.name}}",
   "content": "on {{facts.os.id}}\n", "mode": "0644"}]})";

Json parameter(const Json& why, const std::string& name) {
  for (const Json& one : why["parameters"])
    if (one["name"] == name) return one;
  return nullptr;
}

}  // namespace

TEST_CASE("why shows of each parameter the desired and the current value, and where it comes from", "[long]") {
  const AgentFolder folder;
  const std::string site = folder.write("site.json", playbook), state = folder.path("state");
  REQUIRE(folder.run({"apply", site, "--state", state}).status == 0);
  ::chmod((folder.tree() + "/f").c_str(), 0600);
  const Ended told = folder.run({"why", site, "f", "--state", state, "--json"});
  INFO(told.out << told.err);
  REQUIRE(told.status == 0);
  const Json why = told.lines().at(0);
  CHECK(why["label"] == "file[f]");
  CHECK(why["outcome"] == "would_change");
  const Json mode = parameter(why, "mode");
  CHECK(mode["desired"] == "0644");
  CHECK(mode["current"] == "0600");
  CHECK(mode["differs"] == true);
  CHECK(mode["from"][0]["where"] == site + ":6:47");
  const Json path = parameter(why, "path");
  CHECK(path["desired"] == folder.tree() + "/f");
  CHECK(path["differs"] == false);
  REQUIRE(path["from"].size() == 3);
  CHECK(path["from"][0]["where"] == site + ":5:39");
  CHECK(path["from"][1]["name"] == "vars.name");
  CHECK(path["from"][1]["where"] == site + ":3:11");
  CHECK(path["from"][1]["text"] == "\"{{vars.folder}}/f\"");
  CHECK(path["from"][2]["name"] == "vars.folder");
  CHECK(path["from"][2]["where"] == site + ":2:13");
  CHECK(path["from"][2]["depth"] == 2);
  CHECK(parameter(why, "content")["from"][1]["name"] == "facts.os.id");
  CHECK(parameter(why, "content")["from"][1]["where"].is_null());
  CHECK(why["last_change"]["kind"] == "apply");

  const Ended text = folder.run({"why", site, "file[f]", "--state", state});
  CHECK(text.status == 0);
  CHECK_THAT(text.out, Catch::StartsWith("file[f]  as ") && Catch::Contains(": would change\n") &&
                           Catch::Contains("  mode        0644  differs: mode 0600 → 0644\n") &&
                           Catch::Contains("last changed by apply "));
}

TEST_CASE("why knows a value that --set gave", "[long]") {
  const AgentFolder folder;
  const std::string site = folder.write("site.json", playbook), state = folder.path("state");
  const Ended told =
      folder.run({"why", site, "f", "--set", "name=" + folder.tree() + "/g", "--state", state, "--json"});
  INFO(told.out << told.err);
  REQUIRE(told.status == 0);
  const Json path = parameter(told.lines().at(0), "path");
  CHECK(path["desired"] == folder.tree() + "/g");
  CHECK_THAT(path["from"][1]["where"].get<std::string>(), Catch::StartsWith("--set"));
  CHECK(told.lines().at(0)["last_change"].is_null());
}

TEST_CASE("why of a resource that is not there suggests one", "[long]") {
  const AgentFolder folder;
  const std::string site = folder.write("site.json", R"({"resources": [
    {"id": "motd", "type": "file", "path": "@/motd", "content": "x"}]})");
  const Ended told = folder.run({"why", site, "mott"});
  CHECK(told.status == 3);
  CHECK(told.err == site + " has no resource mott; did you mean `motd`?\n");
}
