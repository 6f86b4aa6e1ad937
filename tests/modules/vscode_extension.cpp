#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "domains/files/vscode_folder.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::string folder = "/home/ubuntu/.vscode/extensions";

// As VS Code 1.85 writes it.
const std::string listed =
    R"([{"identifier":{"id":"ms-python.python","uuid":"f1f59ae4"},"version":"2023.4.1","location":{"$mid":1,)"
    R"("path":"/home/ubuntu/.vscode/extensions/ms-python.python-2023.4.1","scheme":"file"},)"
    R"("relativeLocation":"ms-python.python-2023.4.1","metadata":{"installedTimestamp":1700000000000}},)"
    R"({"identifier":{"id":"Redhat.Vscode-YAML"},"version":"1.14.0","relativeLocation":"redhat.vscode-yaml-1.14.0"}])";

FakeMachine with_code(const std::string& list = listed) {
  FakeMachine machine;
  machine.f.file("/usr/bin/code", "#!/bin/sh\n", 0755);
  if (!list.empty()) machine.f.file(folder + "/extensions.json", list);
  return machine;
}

Tried tried(const FakeMachine& machine, const std::string& names, const std::string& more = "") {
  return try_module("vscode_extension", "{\"names\": " + names + more + "}", machine);
}

// "ms-python.python 2023.4.1 -> newest | /usr/bin/code --install-extension ms-python.python --force"
std::string line(const Tried& t) {
  std::string text;
  for (const Change& c : t.diff.changes)
    text += c.property + " " + c.before.to_text() + " -> " + c.after.to_text() + " | ";
  if (const auto* run = action<RunCommand>(t.diff, 0))
    for (const std::string& word : run->command.argv) text += word + " ";
  return text;
}

std::string skipped(const Tried& t) {
  return find_module("vscode_extension")->not_applicable(t.desired, t.current).value_or("(applies)");
}

std::string mistake(const std::string& parameters) {
  try {
    try_module("vscode_extension", parameters, with_code());
  } catch (const std::exception& e) {
    const std::string all = e.what();
    const auto begin = all.find("error: ") + 7;
    return all.substr(begin, all.find('\n') - begin);
  }
  return "";
}

std::vector<VscodeExtension> read(const FakeFiles& files) { return vscode_extensions(files, folder); }

}  // namespace

TEST_CASE("vscode_extension: every desired state from every state that an extension can be in") {
  const FakeMachine machine = with_code();
  CHECK(line(tried(machine, R"("ms-python.python")")) == "");
  CHECK(line(tried(machine, R"("MS-Python.Python")")) == "");
  CHECK(line(tried(machine, R"("ms-python.python@2023.4.1")")) == "");
  CHECK(line(tried(machine, R"("ms-python.python@2024.1.0")")) ==
        "ms-python.python 2023.4.1 -> 2024.1.0 | /usr/bin/code --install-extension ms-python.python@2024.1.0 "
        "--force ");
  CHECK(line(tried(machine, R"("ms-vscode-remote.remote-ssh")")) ==
        "ms-vscode-remote.remote-ssh null -> newest | /usr/bin/code --install-extension "
        "ms-vscode-remote.remote-ssh --force ");
  CHECK(line(tried(machine, R"(["a.b", "redhat.vscode-yaml", "c.d@1.0.0"])")) ==
        "a.b null -> newest | c.d null -> 1.0.0 | /usr/bin/code --install-extension a.b --install-extension "
        "c.d@1.0.0 --force ");
  CHECK(line(tried(machine, R"(["a.b", "redhat.vscode-yaml"])", R"(, "state": "absent")")) ==
        "redhat.vscode-yaml 1.14.0 -> null | /usr/bin/code --uninstall-extension redhat.vscode-yaml ");
  CHECK(line(tried(machine, R"("a.b")", R"(, "state": "absent")")) == "");
  CHECK(line(tried(with_code(""), R"("a.b")")) ==
        "a.b null -> newest | /usr/bin/code --install-extension a.b --force ");
}

TEST_CASE("vscode_extension: the program changes the list and nothing else, and not for ever") {
  const Tried t = tried(with_code(), R"("a.b")");
  const auto* run = action<RunCommand>(t.diff, 0);
  REQUIRE(run);
  CHECK(run->bounded);
  CHECK(run->creates == std::vector<std::string>{folder + "/extensions.json"});
  CHECK(run->command.timeout_ms > 0);
  const Module& module = *find_module("vscode_extension");
  CHECK(module.actor(t.desired).kind == Actor::Kind::person);
  const Claims claims = module.claims(t.desired);
  REQUIRE(claims.size() == 1);
  CHECK(claims[0].key == folder);
  CHECK(claims[0].subkey == "a.b");
  CHECK(claims[0].access == Claim::Access::edits);
}

TEST_CASE("vscode_extension: the installed version is reported, and passed to later resources") {
  Tried t = tried(with_code(), R"(["a.b", "ms-python.python"])");
  const Module& module = *find_module("vscode_extension");
  const Tried came = tried(with_code(R"([{"identifier":{"id":"a.b"},"version":"7.0.1"}])"), R"("a.b")");
  module.amend(t.diff.changes, t.desired, came.current);
  CHECK(t.diff.changes[0].after == Value("7.0.1"));
  CHECK(to_json(module.outputs(t.desired, t.current).values) ==
        R"({"versions":{"ms-python.python":"2023.4.1"}})");
}

TEST_CASE("vscode_extension: without the editor it is skipped, and says where it looked") {
  const FakeMachine none;
  CHECK(skipped(tried(none, R"("a.b")")) ==
        "there is no VS Code here (looked for /usr/local/bin/code, /usr/bin/code, /snap/bin/code, "
        "/home/ubuntu/.local/bin/code)");
  CHECK(skipped(tried(none, R"("a.b")", R"(, "editor": "codium")")) ==
        "there is no VSCodium here (looked for /usr/local/bin/codium, /usr/bin/codium, /snap/bin/codium, "
        "/home/ubuntu/.local/bin/codium)");
  CHECK(skipped(tried(none, R"("a.b")", R"(, "editor": "server")")) ==
        "VS Code has put no server into /home/ubuntu/.vscode-server yet");
  CHECK(skipped(tried(none, R"("a.b")", R"(, "program": "/opt/code")")) ==
        "there is no VS Code here (looked for /opt/code)");
  CHECK(skipped(tried(with_code(), R"("a.b")")) == "(applies)");
}

TEST_CASE("vscode_extension: a package that is planned to bring the editor counts") {
  FakeMachine machine;
  machine.p.present["code"] = {};
  const Tried t = tried(machine, R"("a.b")");
  CHECK(skipped(t) == "(applies)");
  CHECK(line(t) == "a.b null -> newest | /usr/bin/code --install-extension a.b --force ");
}

TEST_CASE("vscode_extension: the server's program is the one that came last, in either layout") {
  FakeMachine machine;
  const std::string home = "/home/ubuntu/.vscode-server";
  const auto server = [&](const std::string& path, std::int64_t changed) {
    machine.f.file(home + path, "", 0755);
    machine.f.entries[home + path].status.ctime_ns = changed;
  };
  machine.f.folder(home + "/bin");
  machine.f.folder(home + "/bin/abc");
  server("/bin/abc/bin/code-server", 20);
  CHECK(line(tried(machine, R"("a.b")", R"(, "editor": "server")")).find(home + "/bin/abc/bin/code-server ") !=
        std::string::npos);
  machine.f.folder(home + "/cli/servers");
  for (const char* name : {"Stable-1", "Stable-2", "Stable-3"}) machine.f.folder(home + "/cli/servers/" + name);
  server("/cli/servers/Stable-1/server/bin/code-server", 30);
  server("/cli/servers/Stable-2/server/bin/code-server", 40);
  machine.f.file(home + "/cli/servers/lru.json", "[]");
  CHECK(line(tried(machine, R"("a.b")", R"(, "editor": "server")"))
            .find(home + "/cli/servers/Stable-2/server/bin/code-server ") != std::string::npos);
}

TEST_CASE("what VS Code has installed is read from its list, whatever else stands in it") {
  FakeFiles files;
  CHECK(read(files).empty());
  files.file(folder + "/extensions.json", listed);
  CHECK(read(files) ==
        std::vector<VscodeExtension>{{"ms-python.python", "2023.4.1"}, {"redhat.vscode-yaml", "1.14.0"}});
  files.file(folder + "/extensions.json", "[]");
  CHECK(read(files).empty());
}

TEST_CASE("a list that VS Code did not write is an error, never an empty one") {
  FakeFiles files;
  for (const char* text : {"", "{", "{}", "[1]", R"([{"version": "1"}])", R"([{"identifier": {"id": 1}}])"}) {
    INFO(text);
    files.file(folder + "/extensions.json", text);
    CHECK_THROWS_AS(read(files), Error);
  }
}

TEST_CASE("without a list the folders' names decide, except those that are to go") {
  FakeFiles files;
  files.folder(folder);
  for (const char* name : {"ms-python.python-2023.4.1", "a.b-c-1.0.0-linux-x64", "old.thing-1.2.3",
                           "No.Version", "nodot-1.2.3", "x.y-1.2", "m.n-1.2.3beta"})
    files.folder(folder + "/" + name);
  files.file(folder + "/.obsolete", R"({"old.thing-1.2.3":true})");
  CHECK(read(files) == std::vector<VscodeExtension>{{"a.b-c", "1.0.0"}, {"ms-python.python", "2023.4.1"}});
}

TEST_CASE("vscode_extension: mistakes in its parameters") {
  CHECK(mistake(R"({"names": []})") == "no extension is named");
  for (const char* bad : {"python", ".x", "x.", "a.b@", "a.b@1 2", "a/b.c", "--help", "a.b;x"})
    CHECK(mistake(R"({"names": ")" + std::string(bad) + "\"}") == "`" + std::string(bad) + "` is no extension");
  CHECK(mistake(R"({"names": "ms-vscode-remote.remote-ssh@0.102.0"})") == "");
}

// ---- real runs, with a program that keeps the list as VS Code's does ---------------------------------------

namespace {

constexpr const char* stand_in = R"(#!/usr/bin/python3
import json, os, sys
words, folder, todo = sys.argv[1:], None, []
while words:
    word = words.pop(0)
    if word in ("--install-extension", "--uninstall-extension"): todo.append((word, words.pop(0)))
    elif word == "--extensions-dir": folder = words.pop(0)
    elif word != "--force": sys.exit("unknown option " + word)
os.makedirs(folder, exist_ok=True)
path = os.path.join(folder, "extensions.json")
have = json.load(open(path)) if os.path.exists(path) else []
for word, name in todo:
    name, _, version = name.partition(chr(64))
    if name == "no.such": sys.exit("Extension 'no.such' not found.\nFailed Installing Extensions: no.such")
    have = [e for e in have if e["identifier"]["id"] != name.lower()]
    if word == "--install-extension":
        have.append({"identifier": {"id": name.lower()}, "version": version or "9.9.9"})
        print(f"Extension '{name}' was successfully installed.")
json.dump(have, open(path + ".new", "w"))
os.rename(path + ".new", path)
open(os.path.join(os.path.dirname(sys.argv[0]), "calls"), "a").write(" ".join(sys.argv[1:]) + "\n")
)";

std::string outcome(const Ended& ended) {
  for (const Json& event : ended.lines())
    if (event.at("event") == "resource") {
      std::string text = event.at("outcome");
      if (event.at("reason").is_string() && !event.at("reason").get<std::string>().empty())
        text += ": " + event.at("reason").get<std::string>();
      for (const Json& c : event.at("changes"))
        text += " | " + c.at("property").get<std::string>() + " " + c.at("before").dump() + " -> " +
                c.at("after").dump();
      return text;
    }
  return "(none)";
}

}  // namespace

TEST_CASE("vscode_extension: plan, apply, apply, vandalise, apply") {
  AgentFolder agent;
  const std::string code = agent.write("code", stand_in);
  ::chmod(code.c_str(), 0755);
  const auto playbook = [&](const std::string& more) {
    return agent.write("p.json", R"({"resources": [{"type": "vscode_extension", "program": ")" + code +
                                     R"(", "folder": "@/extensions", )" + more + "}]}");
  };
  const std::string p = playbook(R"("names": ["ms-vscode-remote.remote-ssh", "a.b\u00401.0.0"])");
  CHECK(outcome(agent.run({"plan", "--json", p})) ==
        "would_change | ms-vscode-remote.remote-ssh null -> \"newest\" | a.b null -> \"1.0.0\"");
  CHECK(agent.picture().empty());
  CHECK(outcome(agent.run({"apply", "--json", p})) ==
        "changed | ms-vscode-remote.remote-ssh null -> \"9.9.9\" | a.b null -> \"1.0.0\"");
  const auto settled = agent.picture();
  CHECK(outcome(agent.run_alone({"apply", "--json", p})) == "ok");  // no process is started
  CHECK(agent.picture() == settled);
  std::ofstream(agent.tree() + "/extensions/extensions.json")
      << R"([{"identifier":{"id":"a.b"},"version":"2.0.0"}])";
  CHECK(outcome(agent.run({"apply", "--json", p})) ==
        "changed | ms-vscode-remote.remote-ssh null -> \"9.9.9\" | a.b \"2.0.0\" -> \"1.0.0\"");
  const std::string gone = playbook(R"("names": "a.b", "state": "absent")");
  CHECK(outcome(agent.run({"plan", "--json", gone})) == "would_change | a.b \"1.0.0\" -> null");
  CHECK(outcome(agent.run({"apply", "--json", gone})) == "changed | a.b \"1.0.0\" -> null");
  CHECK(outcome(agent.run({"apply", "--json", gone})) == "ok");
}

TEST_CASE(
    "vscode_extension: one that does not exist fails with the program's words; without a program it is "
    "skipped") {
  AgentFolder agent;
  const std::string code = agent.write("code", stand_in);
  ::chmod(code.c_str(), 0755);
  const std::string p = agent.write("p.json", R"({"resources": [{"type": "vscode_extension", "names": "no.such",
    "program": ")" + code + R"(", "folder": "@/extensions"}]})");
  const Ended failed = agent.run({"apply", p});
  CHECK(failed.status == 1);
  CHECK(failed.out.find("Extension 'no.such' not found.") != std::string::npos);
  std::filesystem::remove(code);
  const Ended skipped = agent.run({"apply", "--json", p});
  CHECK(skipped.status == 0);
  CHECK(outcome(skipped) == "skipped: there is no VS Code here (looked for " + code + ")");
}
