// Programs that resources run, as plan and apply report them: on real files in a temporary folder.
#include "support/agent_process.hpp"
#include "support/catch.hpp"

using namespace mlops::test;

namespace {

// "changed", or "failed: REASON", by label.
std::map<std::string, std::string> told(const Ended& ended) {
  std::map<std::string, std::string> all;
  for (const Json& line : ended.lines())
    if (line.at("event") == "resource")
      all[line.at("label")] = line.at("outcome").get<std::string>() +
                              (line.at("reason").is_null() ? "" : ": " + line.at("reason").get<std::string>());
  return all;
}

void shell(const std::string& text) { REQUIRE(std::system(text.c_str()) == 0); }

std::string output(const std::string& text, const AgentFolder& folder) {
  shell(text + " > " + folder.path("answer"));
  std::string answer = AgentFolder::read(folder.path("answer"));
  while (answer.ends_with('\n')) answer.pop_back();
  return answer;
}

}  // namespace

TEST_CASE("the plan fails, in the same words, where the apply must: no such program, no such repository") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"id": "run", "type": "command", "argv": ["no-such-program-x"], "always": true, "changes": []},
    {"id": "clone", "type": "git", "repo": "@/none.git", "to": "@/x"}]})");
  const std::map<std::string, std::string> wanted{
      {"command[run]", "failed: cannot start `no-such-program-x`: no such program in PATH"},
      {"git[clone]", "failed: there is no repository at " + folder.tree() + "/none.git"}};
  const Ended planned = folder.run({"plan", "--json", playbook}),
              applied = folder.run({"apply", "--json", playbook});
  CHECK(planned.status == 1);
  CHECK(told(planned) == wanted);
  CHECK(applied.status == 1);
  CHECK(told(applied) == wanted);
}

TEST_CASE("a program that the run itself brings is no failure of the plan") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"id": "tool", "type": "file", "path": "@/tool", "mode": "0755", "content": "#!/bin/sh\ntouch @/ran\n"},
    {"id": "run", "type": "command", "argv": ["@/tool"], "creates": "@/ran", "changes": []}]})");
  const Ended planned = folder.run({"plan", "--json", playbook});
  CHECK(told(planned) ==
        std::map<std::string, std::string>{{"file[tool]", "would_change"}, {"command[run]", "would_change"}});
  CHECK(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.run({"plan", playbook}).status == 0);
}

TEST_CASE(
    "a notified command runs after a failure that it does not depend on, and not after one of what notifies "
    "it") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"id": "a", "type": "file", "path": "@/a", "content": "1", "notify": "c"},
    {"id": "bad", "type": "file", "path": "@/none/b", "content": "1"},
    {"id": "c", "type": "command", "argv": ["touch", "@/ran"], "only_when_notified": true},
    {"id": "other", "type": "command", "argv": ["touch", "@/other"], "always": true}]})");
  CHECK(folder.run({"apply", "--json", playbook}).status == 1);
  CHECK(std::filesystem::exists(folder.tree() + "/ran"));
  CHECK_FALSE(std::filesystem::exists(folder.tree() + "/other"));
  const auto again = told(folder.run({"apply", "--json", playbook}));
  CHECK(again.at("command[c]") == "ok");
  CHECK(again.at("command[other]") == "skipped: file[bad] failed");
  std::filesystem::remove_all(folder.tree() + "/ran");
  const std::string failing = folder.write("q.json", R"({"resources": [
    {"id": "a", "type": "file", "path": "@/none/a", "content": "1", "notify": "c"},
    {"id": "c", "type": "command", "argv": ["touch", "@/ran"], "only_when_notified": true}]})");
  CHECK(told(folder.run({"apply", "--json", failing})).at("command[c]") == "ok");
  CHECK_FALSE(std::filesystem::exists(folder.tree() + "/ran"));
}

TEST_CASE("root neither clones nor installs where others may write") {
  AgentFolder folder;
  shell("git init -q " + folder.path("source"));
  REQUIRE(::chmod(folder.tree().c_str(), 0777) == 0);
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"id": "c", "as": "root", "type": "conda", "prefix": "@/conda", "url": "http://127.0.0.1:1/m.sh"},
    {"id": "g", "as": "root", "type": "git", "repo": ")" + folder.path("source") +
                                                          R"(", "to": "@/x"}]})");
  const auto outcomes = told(folder.run({"plan", "--json", playbook}));
  const std::string why =
      "failed: root runs no programs in a folder that others may write to: " + folder.tree() +
      " is writable by everyone (mode 0777); name the user to run as with `as`";
  CHECK(outcomes.at("git[g]") == why);
  CHECK(outcomes.at("conda[c]") == why);
  REQUIRE(::chmod(folder.tree().c_str(), 0755) == 0);
  CHECK(told(folder.run({"plan", "--json", playbook})).at("git[g]") == "would_change");
}

TEST_CASE("git's depth applies to a local repository, and is kept when the clone is updated") {
  AgentFolder folder;
  const std::string source = folder.path("source"), clone = folder.tree() + "/x";
  const auto commit = [&](const std::string& name) {
    shell("git -C " + source + " -c user.name=a -c user.email=a@b commit -q --allow-empty -m " + name);
  };
  const auto commits = [&] { return output("git -C " + clone + " rev-list --count HEAD", folder); };
  shell("git init -q -b main " + source);
  for (const char* name : {"one", "two", "three", "four"}) commit(name);
  const std::string playbook =
      folder.write("p.json", R"({"resources": [
    {"id": "x", "type": "git", "repo": ")" +
                                 source + R"(", "to": "@/x", "ref": "main", "depth": 2, "update": true}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(commits() == "2");
  CHECK(output("git -C " + clone + " config remote.origin.url", folder) == source);
  CHECK(folder.run({"apply", playbook}).status == 0);
  for (const char* name : {"five", "six", "seven"}) commit(name);
  CHECK(told(folder.run({"apply", "--json", playbook})).at("git[x]") == "changed");
  CHECK(commits() == "2");
  CHECK(output("git -C " + clone + " rev-parse HEAD", folder) ==
        output("git -C " + source + " rev-parse HEAD", folder));
  CHECK(folder.run({"plan", playbook}).status == 0);
  // A rewritten branch is no fast-forward: it is refused, and nothing of the clone is lost.
  const std::string before = output("git -C " + clone + " rev-parse HEAD", folder);
  shell("git -C " + source + " reset -q --hard HEAD~2");
  commit("other");
  CHECK_THAT(told(folder.run({"apply", "--json", playbook})).at("git[x]"), Catch::StartsWith("failed: "));
  CHECK(output("git -C " + clone + " rev-parse HEAD", folder) == before);
}
