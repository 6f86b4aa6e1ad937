// What a run on another host leaves there for later ones.
#include "machine/person.hpp"
#include "state/database.hpp"
#include "state/state_database.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops;
using namespace mlops::test;

TEST_CASE("A run on another host is written down there, and what is cut off there is told here by the next") {
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
    if (line["event"] == "notice") notices.push_back(line["host"].get<std::string>() + ": " + line["text"].get<std::string>());
  REQUIRE(notices.size() == 1);
  CHECK_THAT(notices[0], Catch::StartsWith("box: an earlier run of " + playbook) &&
                             Catch::EndsWith("was cut off while file[f] was under way"));
  CHECK(database->integer("SELECT count(*) FROM steps WHERE state = 4") == 1);
}
