// Passwords in URLs are shown to nobody and kept nowhere.
#include "base/url_password.hpp"

#include <filesystem>
#include <fstream>

#include "support/agent_process.hpp"
#include "support/catch.hpp"

using namespace mlops;
using mlops::test::AgentFolder;
using mlops::test::Ended;

TEST_CASE("the password of every URL in a text is masked, and nothing else") {
  const auto masked = without_url_passwords;
  CHECK(masked("https://me:pass@host/x") == "https://me:***@host/x");
  CHECK(masked("cloning https://me:p@ss@host/x and ssh://me:two@host:22/y, too") ==
        "cloning https://me:***@host/x and ssh://me:***@host:22/y, too");
  CHECK(masked("https://ghp_token@github.com/x") == "https://***@github.com/x");
  CHECK(masked("https://:pass@host") == "https://:***@host");
  CHECK(masked("'http://me:pass@host'") == "'http://me:***@host'");
  for (const char* plain :
       {"https://host:8443/x@y", "ssh://git@host/x", "git@host:x", "https://host/?to=a:b@c", "a://b",
        "https://me:***@host/x", "postgres://me@host/db", "https://me:@host", ""}) {
    CHECK(masked(plain) == plain);
    CHECK_FALSE(holds_url_password(plain));
  }
  CHECK(holds_url_password("x https://me:pass@host/x"));
}

TEST_CASE("a password in a URL is in no output of a run, and not in the database", "[long]") {
  AgentFolder folder;
  const std::string playbook = folder.path("p.json");  // not by write(): an @ is the tree there
  std::ofstream(playbook) << R"({"vars": {"tree": ")" << folder.tree() << R"("}, "resources": [
    {"id": "code", "type": "git", "repo": "http://me:hunter22@127.0.0.1:1/x.git", "to": "{{vars.tree}}/x"},
    {"id": "data", "type": "download", "url": "http://me:hunter22@127.0.0.1:1/y", "path": "{{vars.tree}}/y"}]})";
  const auto silent = [](const Ended& ended) {
    CHECK_THAT(ended.out, !Catch::Contains("hunter22"));
    CHECK_THAT(ended.err, !Catch::Contains("hunter22"));
  };
  const Ended planned = folder.run({"plan", playbook});
  CHECK(planned.status == 2);
  CHECK_THAT(planned.out, Catch::Contains("http://me:***@127.0.0.1:1/x.git"));
  silent(planned);
  silent(folder.run({"plan", "--json", playbook}));
  silent(folder.run({"plan", playbook, "--out", folder.path("kept.plan")}));
  // A saved plan has the playbook itself, for its owner alone, and the password nowhere else.
  mlops::test::Json kept = mlops::test::Json::parse(AgentFolder::read(folder.path("kept.plan")));
  CHECK(kept.erase("texts") == 1);
  CHECK_THAT(kept.dump(), !Catch::Contains("hunter22"));
  CHECK_THAT(kept.dump(), Catch::Contains("http://me:***@127.0.0.1:1/x.git"));
  CHECK(std::filesystem::status(folder.path("kept.plan")).permissions() == std::filesystem::perms(0600));
  const Ended applied = folder.run({"apply", playbook});
  CHECK(applied.status == 1);
  silent(applied);
  silent(folder.run({"history", "last", "--state", folder.state()}));
  silent(folder.run({"why", playbook, "code", "--state", folder.state()}));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.state()))
    if (entry.is_regular_file()) {
      INFO(entry.path());
      CHECK_THAT(AgentFolder::read(entry.path()), !Catch::Contains("hunter22"));
    }
}
