// Runs with secrets, with the program as it is called: a value is in nothing that is shown, recorded or
// seen.
#include <pty.h>

#include <set>

#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/ssh_server.hpp"

using namespace mlops::test;

namespace {

const std::string token = "hunter2-\"quoted\"-Zr4x9", key = "line-one-of-the-key\nline-two-of-the-key",
                  word = "pass-word-of-a-program";

// What must be nowhere: each secret as it is, as JSON and as base64 write it, and each line of one with
// several.
const std::vector<std::string> forms = {
    token,
    R"(hunter2-\"quoted\"-Zr4x9)",
    "aHVudGVyMi0icXVvdGVkIi1acjR4O",
    "line-one-of-the-key",
    "line-two-of-the-key",
    "bGluZS1vbmUtb2YtdGhlLWtleQps",
    word,
    "cGFzcy13b3JkLW9mLWEtcHJvZ3Jhb",
};

std::string found_in(const std::string& text) {
  for (const std::string& form : forms)
    if (text.find(form) != std::string::npos) return form;
  return "";
}

// All files below a folder in which one is found, except those that are meant to contain one.
std::string files_with(const std::string& folder, const std::set<std::string>& meant) {
  std::string list;
  if (!std::filesystem::exists(folder)) return list;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && !meant.contains(entry.path()))
      if (const std::string form = found_in(AgentFolder::read(entry.path())); !form.empty())
        list += entry.path().string() + ": " + form + "\n";
  return list;
}

// Every argument of every process in which one is found.
std::string arguments_with() {
  std::string list;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (!std::isdigit(static_cast<unsigned char>(entry.path().filename().string()[0]))) continue;
    const std::string line = AgentFolder::read(entry.path() / "cmdline");
    if (const std::string form = found_in(line); !form.empty()) list += line + "\n";
  }
  return list;
}

const std::string declared = R"("secrets": {"token": {"env": "MLOPS_TEST_TOKEN"}, "key": {"file": "key"},
    "word": {"command": ["sh", "-c", "cat \"$MLOPS_TEST_WORD\""]}})";

// A folder with all three secrets at hand.
struct Bench : AgentFolder {
  Bench() {
    write("key", key + "\n");
    ::chmod(path("key").c_str(), 0600);
    write("word", word + "\n\n");
    ::setenv("MLOPS_TEST_TOKEN", token.c_str(), 1);
    ::setenv("MLOPS_TEST_WORD", path("word").c_str(), 1);
  }
  ~Bench() {
    ::unsetenv("MLOPS_TEST_TOKEN");
    ::unsetenv("MLOPS_TEST_WORD");
  }
  // What is wrong with what a run left: "" when no secret is anywhere but in the files of the tree.
  std::string leaks(const Ended& ended) const {
    std::string all = found_in(ended.out) + found_in(ended.err);
    all += files_with(root(), {path("key"), path("word"), tree() + "/conf", tree() + "/seen"});
    return all;
  }
};

std::string resource(const Ended& ended, const std::string& label, const std::string& member) {
  for (const Json& line : ended.lines())
    if (line.at("event") == "resource" && line.at("label") == label) return line.at(member).dump();
  return "none";
}

}  // namespace

TEST_CASE("a secret reaches the file, and the program by its environment and its stdin, and nobody else") {
  Bench bench;
  const std::string playbook = bench.write("p.json", "{" + declared + R"(,
    "vars": {"line": "token = {{secrets.token}}"},
    "resources": [
      {"type": "file", "id": "conf", "path": "@/conf", "content": "{{vars.line}}\n{{secrets.key}}\n", "mode": "0600"},
      {"type": "command", "id": "run", "shell": "printf '%s %s' \"$WORD\" \"$(cat)\" > @/seen; echo $WORD; echo \"$WORD\" | base64 >&2",
       "creates": "@/seen", "env": {"WORD": "{{secrets.word}}"}, "stdin": "{{secrets.token}}"},
      {"type": "verify", "id": "say", "shell": "echo got $WORD", "env": {"WORD": "{{secrets.word}}"}, "contains": "got"},
      {"type": "file", "path": "@/conf2", "content": "no secret, but {{resources.conf.path}}"}
    ],
    "show": ["it said {{resources.say.output}}"]})");
  for (const char* format : {"--verbose", "--json"}) {
    CAPTURE(format);
    const Ended planned = bench.run({"plan", format, playbook});
    CHECK(planned.status == 2);
    CHECK(bench.leaks(planned) == "");
    CHECK(bench.picture().empty());
  }
  const Ended applied = bench.run({"apply", "--verbose", playbook});
  CHECK(applied.status == 0);
  CHECK(AgentFolder::read(bench.tree() + "/conf") == "token = " + token + "\n" + key + "\n");
  CHECK(AgentFolder::read(bench.tree() + "/seen") == word + " " + token);
  CHECK_THAT(applied.out, Catch::Contains("content ***") && Catch::Contains("it said got ***"));
  CHECK(bench.leaks(applied) == "");
  const Ended again = bench.run({"apply", "--json", playbook});
  CHECK(again.status == 0);
  CHECK(resource(again, "file[conf]", "outcome") == R"("ok")");
  CHECK(bench.leaks(again) == "");
}

TEST_CASE("a secret that changed is written again, and neither the old nor the new one is shown") {
  Bench bench;
  const std::string playbook = bench.write("p.json", "{" + declared + R"(, "resources": [
    {"type": "file", "id": "conf", "path": "@/conf", "content": "{{secrets.key}} {{secrets.token}}"}]})");
  REQUIRE(bench.run({"apply", playbook}).status == 0);
  ::setenv("MLOPS_TEST_TOKEN", "another-one", 1);
  const Ended ended = bench.run({"apply", "--json", playbook});
  CHECK(ended.status == 0);
  CHECK(bench.leaks(ended) == "");
  CHECK(ended.out.find("another-one") == std::string::npos);
  CHECK_THAT(resource(ended, "file[conf]", "changes"), Catch::Contains(R"("after":"***")"));
}

TEST_CASE("a saved plan contains no secret, and what it depends on is read again") {
  Bench bench;
  const std::string playbook = bench.write("p.json", "{" + declared + R"(, "resources": [
    {"type": "file", "id": "conf", "path": "@/conf", "content": "{{secrets.key}} {{secrets.token}}"},
    {"type": "command", "id": "run", "shell": "cat > @/seen", "creates": "@/seen", "stdin": "{{secrets.word}}",
     "env": {"A": "{{secrets.token}}"}}]})");
  const Ended planned = bench.run({"plan", "--out", bench.path("kept"), playbook});
  CHECK(planned.status == 2);
  REQUIRE(std::filesystem::exists(bench.path("kept")));
  CHECK(bench.leaks(planned) == "");
  ::setenv("MLOPS_TEST_TOKEN", "another-one", 1);
  const Ended other = bench.run({"apply", bench.path("kept")});
  CHECK(other.status == 1);
  CHECK_THAT(other.out, Catch::Contains("a secret in its parameters has changed since the plan was made"));
  CHECK(other.out.find("another-one") == std::string::npos);
  CHECK(bench.leaks(other) == "");
  CHECK(bench.picture().empty());
  ::setenv("MLOPS_TEST_TOKEN", token.c_str(), 1);
  const Ended applied = bench.run({"apply", bench.path("kept")});
  CHECK(applied.status == 0);
  CHECK(AgentFolder::read(bench.tree() + "/conf") == key + " " + token);
  CHECK(AgentFolder::read(bench.tree() + "/seen") == word);
  CHECK(bench.leaks(applied) == "");
  ::chmod(bench.path("kept").c_str(), 0666);
  const Ended refused = bench.run({"apply", bench.path("kept")});
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("kept is writable by everyone (mode 0666)"));
}

TEST_CASE("what a program prints when it fails is shown without the secret") {
  Bench bench;
  const std::string playbook = bench.write("p.json", "{" + declared + R"(, "resources": [
    {"type": "file", "id": "conf", "path": "@/conf", "content": "{{secrets.key}}{{secrets.token}}"},
    {"type": "command", "id": "bad", "always": true, "shell": "echo \"$A\" | base64; echo out $A; echo err $A >&2; exit 3",
     "env": {"A": "{{secrets.token}}"}, "after": []},
    {"type": "verify", "id": "no", "shell": "echo $A", "env": {"A": "{{secrets.word}}"}, "contains": "nothing like it", "after": []}]})");
  for (const char* format : {"--verbose", "--json"}) {
    const Ended ended = bench.run({"apply", format, playbook});
    CHECK(ended.status == 1);
    CHECK(bench.leaks(ended) == "");
    CHECK_THAT(ended.out, Catch::Contains("out ***") && Catch::Contains("err ***"));
  }
}

TEST_CASE("while a program runs, no process has a secret among its arguments") {
  Bench bench;
  const std::string playbook = bench.write("p.json", "{" + declared + R"(, "resources": [
    {"type": "command", "id": "slow", "always": true, "shell": "cat > /dev/null; : > @/started; exec sleep 300",
     "env": {"A": "{{secrets.token}}", "B": "{{secrets.word}}"}, "stdin": "{{secrets.key}}"}]})");
  const pid_t agent = bench.start({"apply", "--verbose", playbook});
  AgentFolder::await(bench.tree() + "/started");
  CHECK(arguments_with() == "");
  CHECK(std::filesystem::exists(bench.state()));
  CHECK(files_with(bench.state(), {}) == "");  // the database and its log while it is open
  ::kill(agent, SIGINT);
  const Ended ended = bench.wait(agent);
  CHECK(ended.status == 130);
  CHECK(bench.leaks(ended) == "");
}

TEST_CASE("a secret for a parameter that shows it is a mistake at its place, before anything is read") {
  Bench bench;
  ::unsetenv("MLOPS_TEST_TOKEN");
  const std::string playbook = bench.write("p.json", "{" + declared + R"(,
  "resources": [
    {"type": "command", "argv": ["curl", "-H", "{{secrets.token}}"], "always": true},
    {"type": "git", "repo": "https://u:{{secrets.token}}@host/x.git", "to": "@/x"}
  ]})");
  const Ended ended = bench.run({"apply", playbook});
  CHECK(ended.status == 3);
  CHECK_THAT(ended.err,
             Catch::Contains(":4:48: error: `argv` cannot hold a secret: it would be visible\n") &&
                 Catch::Contains("  hint: of this type, `env` and `stdin` can\n") &&
                 Catch::Contains(":5:29: error: `repo` cannot hold a secret: it would be visible\n") &&
                 Catch::Contains("  hint: no parameter of this type can\n"));
}

TEST_CASE("an item that brings a secret to such a parameter is found before anything is touched") {
  Bench bench;
  const std::string playbook = bench.write("p.json", "{" + declared + R"(,
  "resources": [
    {"type": "file", "path": "@/first", "content": "x"},
    {"type": "file", "for_each": {"a": {"text": "{{secrets.token}}", "host": "{{facts.host.name}}"}}, "path": "@/{{item.value.text}}"}
  ]})");
  const Ended ended = bench.run({"apply", playbook});
  CHECK(ended.status == 3);
  CHECK_THAT(ended.err, Catch::Contains("error: `path` cannot hold a secret: it would be visible\n"));
  CHECK(bench.leaks(ended) == "");
  CHECK(bench.picture().empty());
}

TEST_CASE("a secret that cannot be had keeps the run from starting, and says where it is declared") {
  Bench bench;
  const std::string playbook = bench.write("p.json", R"({
  "secrets": {
    "unset": {"env": "MLOPS_TEST_NOT_SET"},
    "missing": {"file": "not-there"},
    "failing": {"command": ["sh", "-c", "echo no such entry >&2; exit 7"]},
    "empty": {"command": ["true"]},
    "asked": {"prompt": "Password"}
  },
  "vars": {"which": ""},
  "resources": [
    {"type": "file", "path": "@/first", "content": "x"},
    {"type": "file", "path": "@/unset", "content": "{{secrets.unset}}", "when": {"vars.which": "unset"}},
    {"type": "file", "path": "@/missing", "content": "{{secrets.missing}}", "when": {"vars.which": "missing"}},
    {"type": "file", "path": "@/failing", "content": "{{secrets.failing}}", "when": {"vars.which": "failing"}},
    {"type": "file", "path": "@/empty", "content": "{{secrets.empty}}", "when": {"vars.which": "empty"}}
  ]})");
  const auto refused = [&](const std::string& which, const std::string& place, const std::string& message) {
    const Ended ended = bench.run({"apply", "--set", "which=" + which, playbook});
    CHECK(ended.status == 4);
    CHECK_THAT(ended.err, Catch::Contains("p.json:" + place + ": error: the secret `" + which +
                                          "` cannot be read: " + message));
    CHECK_THAT(ended.err, Catch::Contains("not started; nothing was touched"));
    CHECK(bench.picture().empty());
  };
  refused("unset", "3:22", "the environment has no variable `MLOPS_TEST_NOT_SET`\n");
  refused("missing", "4:25", "cannot open " + bench.path("not-there") + ": No such file or directory\n");
  refused("failing", "5:28", "`sh -c 'echo no such entry >&2; exit 7'` ended with status 7\n");
  refused("empty", "6:26", "it is empty\n");
  // What no resource uses is not read.
  CHECK(bench.run({"apply", playbook}).status == 0);
}

TEST_CASE("without a terminal nobody is asked: an apply does not start, a plan says what it cannot know") {
  Bench bench;
  const std::string playbook = bench.write("p.json", R"({
  "secrets": {"asked": {"prompt": "Password"}},
  "resources": [{"type": "file", "id": "f", "path": "@/f", "content": "{{secrets.asked}}"}]})");
  const auto alone = [&](const Words& words) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setsid();  // away from any terminal
      const Ended ended = bench.run(words);
      std::ofstream(bench.path("alone")) << ended.status << "\n" << ended.out << ended.err;
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    return AgentFolder::read(bench.path("alone"));
  };
  CHECK_THAT(alone({"apply", playbook}),
             Catch::StartsWith("4\n") &&
                 Catch::Contains("p.json:2:35: error: the secret `asked` cannot be read: it is "
                                 "asked for on a terminal, and there is none\n"));
  CHECK(bench.picture().empty());
  CHECK_THAT(alone({"plan", playbook}),
             Catch::StartsWith("2\n") &&
                 Catch::Contains("needs the secret `asked`, which is asked for on a terminal"));
}

TEST_CASE("on a terminal a secret is asked for once, and what is typed is not shown") {
  Bench bench;
  const std::string playbook = bench.write("p.json", R"({
  "secrets": {"asked": {"prompt": "Password"}},
  "resources": [{"type": "file", "id": "f", "path": "@/conf", "content": "{{secrets.asked}}"},
                {"type": "file", "id": "g", "path": "@/seen", "content": "{{secrets.asked}}"}]})");
  int terminal = -1;
  const pid_t agent = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (agent == 0) {
    ::execl(AGENT, AGENT, "apply", "--state", bench.state().c_str(), playbook.c_str(), nullptr);
    ::_exit(127);
  }
  std::string screen;
  bool typed = false;
  char buffer[4096];
  for (ssize_t n; (n = ::read(terminal, buffer, sizeof buffer)) > 0;) {
    screen.append(buffer, static_cast<std::size_t>(n));
    if (!typed && screen.find("Password: ") != std::string::npos) {
      typed = true;
      const std::string answer = token + "\n";
      REQUIRE(::write(terminal, answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()));
    }
  }
  int status = -1;
  ::waitpid(agent, &status, 0);
  ::close(terminal);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(AgentFolder::read(bench.tree() + "/conf") == token);
  CHECK(AgentFolder::read(bench.tree() + "/seen") == token);
  CHECK(screen.find("Password: ") == screen.rfind("Password: "));
  CHECK(found_in(screen) == "");
}

TEST_CASE("a secret's file that others may read is warned of, one that they may write to is refused") {
  Bench bench;
  const std::string playbook = bench.write("p.json", "{" + declared + R"(, "resources": [
    {"type": "file", "path": "@/conf", "content": "{{secrets.key}}"}]})");
  ::chmod(bench.path("key").c_str(), 0644);
  const Ended warned = bench.run({"plan", playbook});
  CHECK(warned.status == 2);
  CHECK(warned.err == "warning: the secret `key`: others may read " + bench.path("key") +
                          " (mode 0644); `chmod 0600` closes it\n");
  ::chmod(bench.path("key").c_str(), 0660);
  const Ended refused = bench.run({"plan", playbook});
  CHECK(refused.status == 4);
  CHECK_THAT(refused.err, Catch::Contains("others may write to " + bench.path("key") +
                                          " (mode 0660): `chmod go-w` closes it"));
}

TEST_CASE("another machine is sent what the playbook mentions and includes, and shows no secret either") {
  const SshServer server;
  Bench bench;
  bench.write("in.json", R"({"vars": {"text": ""}, "resources": [
    {"type": "file", "id": "conf", "path": "@/conf", "content": "{{vars.text}} {{secrets.key}}"}]})");
  const std::string playbook = bench.write("p.json", "{" + declared.substr(0, declared.size() - 1) + R"(,
      "unused": {"env": "MLOPS_TEST_NOT_SET"}},
    "resources": [
      {"include": {"file": "in.json", "vars": {"text": "{{secrets.token}}"}}},
      {"type": "command", "id": "slow", "shell": "cat > @/seen; echo $A; : > @/started; test ! -e @/wait || exec sleep 300",
       "creates": "@/seen", "env": {"A": "{{secrets.word}}"}, "stdin": "{{secrets.word}}"},
      {"type": "verify", "id": "say", "shell": "echo $A; exit 3", "env": {"A": "{{secrets.word}}"}}]})");
  const Words words{"apply", "--verbose", playbook, "--host", "box", "--ssh-config", server.config()};
  const Ended planned =
      bench.run({"plan", "--json", playbook, "--host", "box", "--ssh-config", server.config()});
  CHECK(planned.status == 2);
  CHECK(bench.leaks(planned) == "");
  std::ofstream(bench.tree() + "/wait") << "";
  const pid_t agent = bench.start(words);
  AgentFolder::await(bench.tree() + "/started");
  CHECK(arguments_with() == "");
  ::kill(agent, SIGINT);
  CHECK(bench.leaks(bench.wait(agent)) == "");
  std::filesystem::remove(bench.tree() + "/wait");
  const Ended applied = bench.run(words);
  CHECK(applied.status == 1);  // the verification fails
  CHECK(AgentFolder::read(bench.tree() + "/conf") == token + " " + key);
  CHECK_THAT(applied.out, Catch::Contains("***"));
  CHECK(bench.leaks(applied) == "");
}

TEST_CASE("a secret for another machine that cannot be had keeps the run from starting") {
  const SshServer server;
  Bench bench;
  const std::string playbook = bench.write("p.json", R"({
  "secrets": {"unset": {"env": "MLOPS_TEST_NOT_SET"}},
  "resources": [{"type": "file", "path": "@/f", "content": "{{secrets.unset}}"}]})");
  const Ended ended = bench.run({"apply", playbook, "--host", "box", "--ssh-config", server.config()});
  CHECK(ended.status == 4);
  CHECK_THAT(ended.err,
             Catch::Contains(
                 "p.json:2:32: error: the secret `unset` cannot be read: the environment has no variable"));
  CHECK(bench.picture().empty());
}
