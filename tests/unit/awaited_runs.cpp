// Plays on hosts that the run brings into being, with the real program at both ends of a real sshd:
// awaited_hosts.cpp has when they join.
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops::test;
using Catch::Contains;

namespace {

// A server that the playbook introduces to ssh as `newbox`. on: of the play there.
struct NewBox {
  SshServer server{"", Accounts::own, "", Runs::apart};
  AgentFolder folder;
  std::string config = server.config();
  std::string playbook;

  explicit NewBox(const std::string& on = "newbox", const std::string& timeout = "30s") {
    playbook = folder.write("p.json", R"({
      "show": ["made {{resources.there.path}}"],
      "plays": [
        {"on": "local", "resources": [
          {"id": "alias", "type": "ssh_host", "name": "newbox", "hostname": "127.0.0.1", "port": )" +
                                          std::to_string(server.port()) + R"(, "config": ")" + config + R"("},
          {"id": "made", "type": "file", "path": "@/made", "content": "x"}]},
        {"name": "there", "on": ")" + on + R"(", "reach_timeout": ")" +
                                          timeout + R"(", "resources": [
          {"id": "there", "type": "file", "path": "@/there", "content": "{{resources.made.path}}"}]},
        {"name": "here", "on": "local", "when": {"hosts": {"exists": true}}, "resources": [
          {"id": "here", "type": "file", "path": "@/here-{{item.key}}", "for_each": "{{hosts}}",
           "content": "{{item.value.resources.there.path}}"}]}]})");
  }
  Words words(Words words) const {
    words.insert(words.end(), {"--ssh-config", config, "--state", server.state()});
    return words;
  }
  Ended run(const std::string& command, const Words& more = {}) const {
    Words all{command, "--json", playbook};
    all.insert(all.end(), more.begin(), more.end());
    return folder.run(words(all));
  }
  bool is_there(const std::string& name) const { return std::filesystem::exists(folder.tree() + "/" + name); }
};

// "host label outcome: reason" in the order in which they were reported.
Words told(const Ended& ended) {
  Words all;
  for (const Json& line : ended.lines()) {
    if (line.at("event") != "resource") continue;
    std::string text = line.at("host").get<std::string>() + " " + line.at("label").get<std::string>() + " " +
                       line.at("outcome").get<std::string>();
    if (line.at("reason").is_string()) text += ": " + line.at("reason").get<std::string>();
    all.push_back(text.substr(0, text.find('\n')));
  }
  return all;
}

}  // namespace

TEST_CASE("From no such host to all of its play in one apply; the second changes nothing") {
  if (!is_root("two machines in one")) return;
  const std::string on = GENERATE(as<std::string>(), "newbox", "{{resources.alias.name}}");
  const NewBox box(on);
  INFO(on);
  const Ended planned = box.run("plan");
  INFO(planned.out << planned.err);
  CHECK(planned.status == 2);
  CHECK(told(planned) == Words{"local ssh_host[alias] would_change", "local file[made] would_change",
                               on + " file[there] unknown: waits for ssh_host[alias]",
                               on == "newbox" ? "local file[here][newbox] unknown: waits for file[there]"
                                              : "local file[here] unknown: waits for ssh_host[alias]"});
  CHECK(box.folder.picture().empty());

  const Ended applied = box.run("apply");
  INFO(applied.out << applied.err);
  CHECK(applied.status == 0);
  CHECK(told(applied) == Words{"local ssh_host[alias] changed", "local file[made] changed",
                               "newbox file[there] would_change", "newbox file[there] changed",
                               "local file[here][newbox] changed"});
  CHECK(AgentFolder::read(box.folder.tree() + "/there") == box.folder.tree() + "/made");
  CHECK(AgentFolder::read(box.folder.tree() + "/here-newbox") == box.folder.tree() + "/there");
  CHECK(applied.lines().back().at("show") == Json{"made " + box.folder.tree() + "/there"});

  const Ended again = box.run("apply");
  INFO(again.out << again.err);
  CHECK(again.status == 0);
  CHECK(told(again) == Words{"local ssh_host[alias] ok", "local file[made] ok", "newbox file[there] ok",
                             "local file[here][newbox] ok"});
}

TEST_CASE("A new host that answers late is waited for") {
  if (!is_root("two machines in one")) return;
  NewBox box;
  box.server.stop();
  const pid_t run = box.folder.start(box.words({"apply", "--json", box.playbook}));
  AgentFolder::await(box.folder.tree() + "/made");
  box.server.start();
  const Ended applied = box.folder.wait(run);
  INFO(applied.out << applied.err);
  CHECK(applied.status == 0);
  CHECK(box.is_there("there"));
}

TEST_CASE("A new host that never answers is given up in time; the rest is done and recorded") {
  if (!is_root("two machines in one")) return;
  NewBox box("newbox", "1s");
  box.server.stop();
  const Ended applied = box.run("apply");
  INFO(applied.out << applied.err);
  CHECK(applied.status == 1);
  CHECK(box.is_there("made"));
  CHECK_FALSE(box.is_there("there"));
  const Words lines = told(applied);
  REQUIRE(lines.size() == 4);
  CHECK_THAT(lines[2], Contains("newbox file[there] skipped: newbox was not reached within 1.0 s: "));
  CHECK_THAT(lines[3], Contains("local file[here][newbox] skipped: host newbox failed"));
  const Ended history = box.folder.run({"history", "--state", box.server.state()});
  CHECK_THAT(history.out, Contains("p.json"));
}

TEST_CASE("A saved plan applies what it lists, and says what waits") {
  if (!is_root("two machines in one")) return;
  const NewBox box;
  const std::string plan = box.folder.path("plan");
  const Ended saved = box.run("plan", {"--out", plan});
  INFO(saved.out << saved.err);
  CHECK(saved.status == 2);
  CHECK_THAT(saved.err, Contains("not in the plan, as their hosts are not there yet; plan again after it was "
                                 "applied: newbox file[there]"));
  const Ended applied = box.folder.run({"apply", "--json", plan, "--state", box.server.state()});
  INFO(applied.out << applied.err);
  CHECK(applied.status == 2);
  CHECK(box.is_there("made"));
  CHECK_FALSE(box.is_there("there"));
  CHECK_THAT(told(applied)[2], Contains("newbox file[there] unknown: waits for another plan"));
  CHECK(box.run("apply").status == 0);
  CHECK(box.is_there("there"));
}
