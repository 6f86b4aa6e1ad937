// plan and apply as they are called, on real files in a temporary folder.
#include <fmt/format.h>
#include <poll.h>

#include <random>
#include <set>

#include "base/printable.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"

using namespace mlops::test;

namespace {

const std::string small = R"({"resources": [
  {"type": "directory", "id": "d", "path": "@/d", "mode": "0750"},
  {"type": "file", "id": "f", "path": "@/d/f", "content": "one\n", "mode": "0600"},
  {"type": "file", "id": "g", "path": "@/g", "content": "two\n"}]})";

// Writes its process's id to @/started, then takes long.
const std::string lengthy = R"({"resources": [
  {"type": "file", "id": "before", "path": "@/before", "content": "x"},
  {"type": "command", "id": "long", "shell": "echo $$ > @/pid && mv @/pid @/started && exec sleep 300", "always": true},
  {"type": "file", "id": "after", "path": "@/after", "content": "x"}]})";

std::map<std::string, std::string> outcomes(const Ended& ended) {
  std::map<std::string, std::string> all;
  for (const Json& line : ended.lines())
    if (line.at("event") == "resource") all[line.at("label")] = line.at("outcome");
  return all;
}

// Until the process has the file open; throws after a minute.
void await_open(pid_t process, const std::string& path) {
  for (int i = 0; i < 6000; ++i, ::poll(nullptr, 0, 10)) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", process), error))
      if (std::filesystem::read_symlink(entry.path(), error) == path) return;
  }
  throw std::runtime_error("it was not opened: " + path);
}

pid_t process_in(const std::string& path) { return static_cast<pid_t>(std::stol(AgentFolder::read(path))); }

}  // namespace

TEST_CASE("plan, apply, apply: the plan lists, the first apply changes, the second changes nothing") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", small);
  const Ended planned = folder.run({"plan", "--json", playbook});
  CHECK(planned.status == 2);
  CHECK(outcomes(planned) == std::map<std::string, std::string>{{"directory[d]", "would_change"},
                                                                {"file[f]", "would_change"},
                                                                {"file[g]", "would_change"}});
  CHECK(folder.picture().empty());
  const Ended applied = folder.run({"apply", "--json", playbook});
  CHECK(applied.status == 0);
  CHECK(outcomes(applied) == std::map<std::string, std::string>{
                                 {"directory[d]", "changed"}, {"file[f]", "changed"}, {"file[g]", "changed"}});
  CHECK(AgentFolder::read(folder.tree() + "/d/f") == "one\n");
  const auto before = folder.picture();
  CHECK(before.size() == 3);
  const Ended again = folder.run({"apply", "--json", playbook});
  CHECK(again.status == 0);
  CHECK(outcomes(again) ==
        std::map<std::string, std::string>{{"directory[d]", "ok"}, {"file[f]", "ok"}, {"file[g]", "ok"}});
  CHECK(folder.run({"plan", playbook}).status == 0);
  CHECK(folder.picture() == before);
}

TEST_CASE("A run with nothing to change starts no process") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "f", "path": "@/f", "content": "x"},
    {"type": "command", "id": "c", "shell": "echo > @/made", "creates": "@/made"}]})");
  CHECK(folder.run_alone({"apply", playbook}).status == 1);  // the command cannot run there
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.run_alone({"apply", playbook}).status == 0);
  CHECK(folder.run_alone({"plan", playbook}).status == 0);
}

TEST_CASE("A plan leaves every byte, mode and time as it was") {
  AgentFolder folder;
  std::filesystem::create_directory(folder.tree() + "/d");
  std::ofstream(folder.tree() + "/d/f") << "other\n";
  ::chmod((folder.tree() + "/d/f").c_str(), 0640);
  std::filesystem::create_symlink("d", folder.tree() + "/l");
  const auto before = folder.picture();
  const std::string playbook = folder.write("p.json", small);
  CHECK(folder.run({"plan", playbook}).status == 2);
  CHECK(folder.run({"apply", "--dry-run", playbook}).status == 2);
  CHECK(folder.picture() == before);
}

TEST_CASE("Each resource that drifted is repaired alone") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", small);
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  const auto mended = [&](const std::string& label) {
    CHECK(folder.run({"plan", playbook}).status == 2);
    const Ended ended = folder.run({"apply", "--json", playbook});
    CHECK(ended.status == 0);
    for (const auto& [one, outcome] : outcomes(ended))
      CHECK(one + " " + outcome == one + (one == label ? " changed" : " ok"));
  };
  std::ofstream(folder.tree() + "/d/f") << "vandal";
  mended("file[f]");
  ::chmod((folder.tree() + "/d").c_str(), 0700);
  mended("directory[d]");
  std::filesystem::remove(folder.tree() + "/g");
  mended("file[g]");
}

TEST_CASE("A run with a failure exits with 1, and does what it can") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "a", "path": "@/none/a", "content": "x"},
    {"type": "file", "id": "b", "path": "@/b", "content": "x"},
    {"type": "command", "id": "c", "argv": ["true"], "always": true}]})");
  const Ended ended = folder.run({"apply", "--json", playbook});
  CHECK(ended.status == 1);
  CHECK(outcomes(ended) == std::map<std::string, std::string>{
                               {"file[a]", "failed"}, {"file[b]", "changed"}, {"command[c]", "skipped"}});
  CHECK(std::filesystem::exists(folder.tree() + "/b"));
  const Json summary = ended.lines().back();
  CHECK(summary.at("failed") == 1);
  CHECK(summary.at("exit_status") == 1);
}

TEST_CASE("Every line of --json is an object with all its fields, and the last is the summary") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"vars": {"x": 1}, "resources": [
    {"type": "file", "id": "a", "path": "@/a", "content": "x"},
    {"type": "file", "path": "@/b", "content": "x", "when": {"vars.x": 2}},
    {"type": "command", "argv": ["false"], "always": true},
    {"type": "verify", "argv": ["true"]}]})");
  for (const std::string command : {"plan", "apply"}) {
    const auto lines = folder.run({command, "--json", playbook}).lines();
    REQUIRE(lines.size() == 7);
    CHECK(lines[0].at("event") == "run");
    CHECK(lines[0].at("mode") == command);
    CHECK(lines[1].at("event") == "play");
    for (const Json& line : lines) {
      const std::string time = line.at("time");
      CHECK(time.size() == 24);
      if (line.at("event") != "resource") continue;
      for (const char* field :
           {"label", "id", "type", "host", "as", "outcome", "changes", "seconds", "reason", "output"})
        CHECK(line.contains(field));
      for (const Json& change : line.at("changes"))
        for (const char* field : {"property", "before", "after", "kind", "maybe"})
          CHECK(change.contains(field));
    }
    const Json& last = lines.back();
    CHECK(last.at("event") == "summary");
    int counted = 0;
    for (const char* outcome :
         {"ok", "changed", "would_change", "unknown", "skipped", "failed", "not_converged"})
      counted += last.at(outcome).get<int>();
    CHECK(counted == 4);
  }
}

TEST_CASE("A wrong playbook exits with 3, and --json still ends with the summary") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [{"type": "fiel"}]})");
  const Ended plain = folder.run({"apply", playbook});
  CHECK(plain.status == 3);
  CHECK(plain.out == "");
  CHECK(plain.err.find("error: unknown type `fiel`") != std::string::npos);
  CHECK(plain.err.find(playbook + ": 1 mistake; nothing was touched\n") != std::string::npos);
  const Ended json = folder.run({"apply", "--json", playbook});
  CHECK(json.status == 3);
  REQUIRE(json.lines().size() == 1);
  CHECK(json.lines()[0].at("event") == "summary");
  CHECK(json.lines()[0].at("exit_status") == 3);
}

TEST_CASE("Conflicts that show only when values are filled in exit with 3 and touch nothing") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "first", "path": "@/first", "content": "x"},
    {"type": "file", "id": "a", "path": "@/{{facts.os.id}}", "content": "x"},
    {"type": "file", "id": "b", "path": "@/{{facts.os.id}}", "content": "y"}]})");
  for (const std::string command : {"plan", "apply"}) {
    const Ended ended = folder.run({command, playbook});
    CHECK(ended.status == 3);
    CHECK(ended.err.find("p.json:4:5: error: file[a] and file[b] want different things of the path") !=
          std::string::npos);
    CHECK(ended.err.find("p.json:3:5: note: file[a] stands here") != std::string::npos);
    CHECK(folder.picture().empty());
  }
}

TEST_CASE("A command line that is wrong exits with 3 and says what is right") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"vars": {"version": "1"}, "resources": [
    {"type": "file", "id": "motd", "path": "@/a", "content": "x", "tags": "web"}]})");
  const auto wrong = [&](const Words& words, const std::string& message) {
    const Ended ended = folder.run(words);
    CHECK(ended.status == 3);
    CHECK(ended.err.find(message) != std::string::npos);
    CHECK(folder.picture().empty());
  };
  wrong({"apply", "--set", "versoin=2", playbook}, "version");
  wrong({"apply", "--set", "version", playbook}, "version");
  wrong({"apply", "--only", "modt", playbook}, "--only modt: no resource of the playbook has it");
  wrong({"apply", "--only", "modt", playbook}, "did you mean `motd`?");
  wrong({"apply", "--tag", "wbe", playbook}, "--tag wbe: no resource of the playbook has it");
  wrong({"apply", "--vars", folder.path("none.json"), playbook}, "none.json");
  wrong({"apply", "--mirror", folder.path("none"), playbook},
        "--mirror " + folder.path("none") + ": there is no such folder");
  wrong({"apply", "--mirror", playbook, playbook}, "--mirror " + playbook + ": it is not a folder");
  wrong({"apply", "--colour", playbook}, "--colour");
  wrong({"apply"}, "mlops-agent apply: playbook is required; `mlops-agent apply --help` says what it takes");
  wrong({"aplly", playbook}, "there is no command `aplly`; did you mean `apply`?");
}

TEST_CASE("what a newcomer types first is answered with what to type next") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": []})");
  const auto said = [&](const Words& words, int status, const std::string& message) {
    const Ended ended = folder.run(words);
    CAPTURE(ended.out, ended.err);
    CHECK(ended.status == status);
    CHECK((status == 0 ? ended.out : ended.err).find(message) != std::string::npos);
    CHECK(folder.picture().empty());
  };
  said({}, 3, "mlops-agent plan PLAYBOOK      what would change; touches nothing");
  said({"help"}, 0, "plan");
  said({"help", "plan"}, 0, "--set");
  said({"-V"}, 0, "mlops-agent 0.");
  said({playbook}, 3,
       "a command comes before `" + playbook + "`: `mlops-agent plan " + playbook + "` says what would change");
  said({"none.json"}, 3, "`mlops-agent plan none.json` says what would change");
  said({"apply", "--dryrun", playbook}, 3,
       "mlops-agent apply: there is no option `--dryrun`; did you mean `--dry-run`?");
  said({"apply", "--colour=never", playbook}, 3, "there is no option `--colour`; did you mean `--color`?");
  said({"plan", playbook, "--frobnicate"}, 3,
       "there is no option `--frobnicate`; `mlops-agent plan --help` lists them");
  said({"apply", "--accept", playbook}, 3,
       "there is no option `--accept`; did you mean `--accept-new-host-keys`?");
  said({"plan", folder.path("q.json")}, 3,
       "q.json: error: cannot be read: No such file or directory\n  hint: did you mean `p.json`?");
  said({"plan", playbook, "more"}, 3,
       "mlops-agent plan: `more` is one word too many; `mlops-agent plan --help` says what it takes");
  said({"tunnels", "stop", "docker", "--json"}, 3,
       "mlops-agent tunnels stop: there is no option `--json`; `mlops-agent tunnels stop --help` lists them");
  const std::string yaml = folder.write("p.yml", "---\n- hosts: all\n");
  said({"plan", yaml}, 3, "1:1: error: this looks like YAML, and what is read here is JSON (with comments)");
}

TEST_CASE("`source` and `{{…}}`: what cannot be read or looked up says what is wrong and what to do") {
  AgentFolder folder;
  folder.write("debian.txt", "x");
  const auto told = [&](const std::string& source) {
    return folder
        .run({"plan", folder.write("p.json", R"({"vars": {"os": "debain"}, "resources": [
  {"type": "file", "source": ")" + source + R"(", "path": "@/f"}]})")})
        .err;
  };
  CHECK_THAT(told("{{vars.os}}.txt"),
             Catch::Contains("p.json:2:30: error: cannot read " + folder.path("debain.txt") +
                             ": No such file or directory\n") &&
                 Catch::Contains("  hint: did you mean `debian.txt`?\n"));
  const std::string os = folder.path(Json::parse(folder.run({"facts", "os.id"}).out).get<std::string>());
  CHECK_THAT(told("{{facts.os.id}}-greeting.conf"),
             Catch::Contains("p.json:2:30: error: cannot read " + os + "-greeting.conf" +
                             ": No such file or directory\n") &&
                 Catch::Contains("  hint: it is looked for beside the file that names it\n"));
  CHECK_THAT(
      told("{{ {{vars.os}} }}.txt"),
      Catch::Contains("p.json:2:34: error: `{{` inside of `{{ }}`: one does not stand in another\n") &&
          Catch::Contains("  hint: write the path once, as in `{{vars.x}}`; no part of a path is looked up"));
}

TEST_CASE("no line of a help or of a newcomer's mistake is longer than 80 columns") {
  AgentFolder folder;
  folder.write(
      "p.json",
      R"({"resources": [{"type": "file", "path": "@/f", "content": "{{vars.nothing}}", "pth": "@/fffffffffffffff"}]})");
  const auto longest = [&](const Words& words) {
    std::size_t most = 0;
    const Ended ended = folder.run(words);
    std::istringstream lines(ended.out + ended.err);
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with(folder.root())) most = std::max(most, mlops::columns(line));
    CHECK(most > 20);
    return most;
  };
  for (const char* command : {"plan", "apply", "prune", "history", "undo", "why", "forget", "validate", "facts",
                              "modules", "schema", "tunnels", "bundle"}) {
    INFO(command);
    CHECK(longest({command, "--help"}) <= 80);
  }
  CHECK(longest({}) <= 80);
  CHECK(longest({"help"}) <= 80);
  CHECK(longest({"plan", folder.path("p.json")}) <= 80);
  const Ended help = folder.run({"plan", "--help"});
  CHECK(help.out.find("  --forks N                 Work on this many hosts at once (32)\n") !=
        std::string::npos);
  CHECK(help.out.find("  --color WHEN              auto, always or never\n") != std::string::npos);
}

TEST_CASE("the options --set, --vars and --only do what they say") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", R"({"vars": {"text": "1"}, "resources": [
    {"type": "file", "id": "a", "path": "@/a", "content": "{{vars.text}}"},
    {"type": "file", "id": "b", "path": "@/b", "content": "{{vars.text}}"}]})");
  const std::string vars = folder.write("vars.json", R"({"text": "2"})");
  REQUIRE(folder.run({"apply", "--vars", vars, "--only", "a", playbook}).status == 0);
  CHECK(AgentFolder::read(folder.tree() + "/a") == "2");
  CHECK(!std::filesystem::exists(folder.tree() + "/b"));
  REQUIRE(folder.run({"apply", "--vars", vars, "--set", "text=1.10", playbook}).status == 0);
  CHECK(AgentFolder::read(folder.tree() + "/a") == "1.10");
}

TEST_CASE("A playbook that cannot be read is a mistake with its name") {
  AgentFolder folder;
  CHECK(folder.run({"apply", folder.path("none.json")}).status == 3);
  CHECK(folder.run({"apply", folder.path("none.json")}).err.find("none.json") != std::string::npos);
  const Ended directory = folder.run({"apply", folder.tree()});
  CHECK(directory.status == 3);
  CHECK(directory.err.find(folder.tree()) != std::string::npos);
  const Ended empty = folder.run({"apply", folder.write("empty.json", "")});
  CHECK(empty.status == 3);
  CHECK(empty.err.find("empty.json:1:1: error: ") != std::string::npos);
}

TEST_CASE("A playbook is read from stdin too") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", small);
  CHECK(folder.run({"apply", "/dev/stdin"}, playbook).status == 0);
  CHECK(AgentFolder::read(folder.tree() + "/g") == "two\n");
}

TEST_CASE("A named pipe is no playbook, no vars, no source and no include, and nobody waits for its writer") {
  AgentFolder folder;
  const std::string pipe = folder.path("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const Ended playbook = folder.run({"apply", pipe});
  CHECK(playbook.status == 3);
  CHECK_THAT(playbook.err, Catch::Contains(pipe + ": error: it is no regular file"));
  const Ended vars = folder.run({"apply", "--vars", pipe, folder.write("p.json", small)});
  CHECK(vars.status == 3);
  CHECK_THAT(vars.err, Catch::Contains(pipe + ": error: it is no regular file"));
  for (const char* resource :
       {R"({"type": "file", "path": "@/f", "source": "pipe"})", R"({"include": "pipe"})"}) {
    const Ended named =
        folder.run({"plan", folder.write("q.json", fmt::format(R"({{"resources": [{}]}})", resource))});
    CHECK(named.status == 3);
    CHECK_THAT(named.err, Catch::Contains("pipe is no regular file"));
  }
  CHECK(folder.picture().empty());
}

TEST_CASE("The digest of a file without end is given up within half a second of an interruption") {
  AgentFolder folder;
  const std::string large = folder.write("tree/large", "");
  REQUIRE(::truncate(large.c_str(), std::int64_t{1} << 40) == 0);
  const std::string playbook = folder.write(
      "p.json",
      fmt::format(
          R"({{"resources": [{{"type": "download", "url": "http://127.0.0.1:9/x", "path": "@/large", "sha256": "{}"}}]}})",
          std::string(64, 'a')));
  const pid_t child = folder.start({"plan", playbook});
  await_open(child, large);
  const auto asked = std::chrono::steady_clock::now();
  ::kill(child, SIGINT);
  CHECK(folder.wait(child).status == 130);
  CHECK(std::chrono::steady_clock::now() - asked < std::chrono::milliseconds(500));
}

TEST_CASE("A relative mirror is taken from where the program was started") {
  AgentFolder folder;
  std::filesystem::create_directories(folder.path("mirror/example.invalid"));
  folder.write("mirror/example.invalid/tool", "tool\n");
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "download", "url": "https://example.invalid/tool", "path": "@/tool",
     "sha256": "f97bfeba3ba8a4f5b49dd5ecf0cb0a1b2a5b43cb1c9a2bb41d23c0a7f6f5b5a7"}]})");
  const std::string here = std::filesystem::current_path().string();
  std::filesystem::current_path(folder.root());
  const Ended ended = folder.run({"apply", "--mirror", "mirror", playbook});
  std::filesystem::current_path(here);
  // It was found there: what is wrong is its digest.
  CHECK(ended.status == 1);
  CHECK(ended.out.find("https://example.invalid/tool") != std::string::npos);
  CHECK(ended.out.find("f97bfeba3ba8a4f5b49dd5ecf0cb0a1b2a5b43cb1c9a2bb41d23c0a7f6f5b5a7") !=
        std::string::npos);
}

TEST_CASE(
    "SIGINT, SIGTERM and SIGHUP end a long command: no child is left, a summary is shown, and the status is "
    "130") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    AgentFolder folder;
    const pid_t agent = folder.start({"apply", "--json", folder.write("p.json", lengthy)});
    AgentFolder::await(folder.tree() + "/started");
    const pid_t child = process_in(folder.tree() + "/started");
    REQUIRE(::kill(child, 0) == 0);
    ::kill(agent, number);
    const Ended ended = folder.wait(agent);
    CHECK(ended.status == 130);
    CHECK(AgentFolder::ends(child));
    CHECK(outcomes(ended) ==
          std::map<std::string, std::string>{{"file[before]", "changed"}, {"command[long]", "failed"}});
    CHECK(ended.lines().back().at("event") == "summary");
    CHECK(ended.lines().back().at("interrupted") == true);
    CHECK(ended.lines().back().at("exit_status") == 130);
    CHECK(!std::filesystem::exists(folder.tree() + "/after"));
  }
}

TEST_CASE("A second signal ends the program at once") {
  AgentFolder folder;
  // The command ignores a request to end.
  const std::string stubborn = R"({"resources": [{"type": "command", "id": "long", "always": true,
    "shell": "trap '' TERM INT HUP; echo $$ > @/pid && mv @/pid @/started; while :; do sleep 1; done"}]})";
  const pid_t agent = folder.start({"apply", folder.write("p.json", stubborn)});
  AgentFolder::await(folder.tree() + "/started");
  const pid_t child = process_in(folder.tree() + "/started");
  ::kill(agent, SIGTERM);
  ::poll(nullptr, 0, 50);  // two at the same moment would be one
  ::kill(agent, SIGTERM);
  CHECK(folder.wait(agent).status == 128 + SIGTERM);
  ::kill(child, SIGKILL);
}

TEST_CASE("A second run exits with 4 and names the first; a plan takes no lock") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", lengthy);
  const pid_t first = folder.start({"apply", playbook}, "/dev/null", "first");
  AgentFolder::await(folder.tree() + "/started");
  const std::string other = folder.write("o.json", small);
  const Ended second = folder.run({"apply", other});
  CHECK(second.status == 4);
  CHECK(second.err.find("another run is active: process " + std::to_string(first)) != std::string::npos);
  CHECK(second.err.find(playbook) != std::string::npos);
  CHECK(!std::filesystem::exists(folder.tree() + "/g"));
  const Ended json = folder.run({"apply", "--json", other});
  CHECK(json.status == 4);
  CHECK(json.lines().back().at("exit_status") == 4);
  CHECK(folder.run({"plan", other}).status == 2);
  ::kill(first, SIGTERM);
  CHECK(folder.wait(first, "first").status == 130);
  CHECK(folder.run({"apply", other}).status == 0);
}

TEST_CASE("Output that nobody reads does not keep a run from ending in order") {
  AgentFolder folder;
  const std::string playbook = folder.write("p.json", small);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], 1);
    ::close(ends[1]);
    ::execl(AGENT, AGENT, "apply", playbook.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[1]);
  CHECK(folder.wait(child).status == 0);
  CHECK(AgentFolder::read(folder.tree() + "/g") == "two\n");
}

TEST_CASE("After a command with \"changes\": [] the rest is known, after another it is not") {
  AgentFolder folder;
  const std::string rest = R"({"type": "file", "id": "f", "path": "@/f", "content": "x"}]})";
  const std::string bounded = folder.write(
      "b.json",
      R"({"resources": [{"type": "command", "id": "c", "argv": ["true"], "always": true, "changes": []}, )" +
          rest);
  const std::string unbounded = folder.write(
      "u.json", R"({"resources": [{"type": "command", "id": "c", "argv": ["true"], "always": true}, )" + rest);
  CHECK(outcomes(folder.run({"plan", "--json", bounded}))["file[f]"] == "would_change");
  const Ended ended = folder.run({"plan", "--json", unbounded});
  CHECK(outcomes(ended)["file[f]"] == "unknown");
  CHECK(ended.out.find("\"reason\":\"waits for command[c]\"") != std::string::npos);
}

TEST_CASE("A folder that may not be written to fails the file with its path") {
  if (::geteuid() == 0) return;  // root may
  AgentFolder folder;
  ::chmod(folder.tree().c_str(), 0555);
  const Ended ended = folder.run({"apply", "--no-sudo", folder.write("p.json", small)});
  CHECK((ended.status == 1 || ended.status == 4));
}

namespace {

// A playbook of a few resources that depend on each other here and there, on a tree that has files
// already.
Json random_playbook(std::mt19937& random, const std::string& tree) {
  const auto upto = [&](unsigned n) { return static_cast<int>(random() % n); };
  Json list = Json::array();
  std::set<std::string> taken;
  std::vector<std::string> folders{tree};
  const int count = 2 + upto(8);
  for (int i = 0; i < count; ++i) {
    const std::string id = "r" + std::to_string(i);
    const std::string path = folders[static_cast<std::size_t>(upto(static_cast<unsigned>(folders.size())))] +
                             "/n" + std::to_string(upto(5));
    Json one{{"id", id}};
    const int kind = upto(10);
    if (kind < 4) {
      if (!taken.insert(path).second) continue;
      one.update(
          {{"type", "file"}, {"path", path}, {"content", std::string(1, static_cast<char>('a' + upto(3)))}});
      if (upto(2)) one["mode"] = upto(2) ? "0600" : "0644";
      if (upto(8) == 0) one.update({{"force", true}});
    } else if (kind < 7) {
      if (!taken.insert(path).second) continue;
      one.update({{"type", "directory"}, {"path", path}});
      if (upto(2)) one["mode"] = "0750";
      folders.push_back(path);
    } else if (kind < 8) {
      if (!taken.insert(path).second) continue;
      one.update({{"type", "file"}, {"path", path}, {"state", "absent"}});
    } else {
      one.update({{"type", "command"}, {"shell", "echo x >> '" + path + "c'"}});
      if (upto(2)) one["changes"] = {path + "c"};
      switch (upto(3)) {
        case 0:
          one["always"] = true;
          break;
        case 1:
          one["creates"] = path + "c";
          break;
        default:
          one["unless"] = {"test", "-e", path + "c"};
          break;
      }
    }
    list.push_back(one);
  }
  return {{"resources", list}};
}

}  // namespace

TEST_CASE("What apply changes was listed by the plan, or was said to be unknown", "[long]") {
  int applied = 0, changed = 0, unknown = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    AgentFolder folder;
    std::filesystem::create_directories(folder.tree() + "/n1");
    std::ofstream(folder.tree() + "/n2") << "a";
    std::ofstream(folder.tree() + "/n1/n0") << "b";
    const std::string playbook = folder.write("p.json", random_playbook(random, folder.tree()).dump());
    CAPTURE(seed);
    CAPTURE(AgentFolder::read(playbook));
    const auto before = folder.picture();
    const Ended plan = folder.run({"plan", "--json", playbook});
    CHECK(folder.picture() == before);
    if (plan.status == 3) continue;
    const auto planned = outcomes(plan);
    const Ended ended = folder.run({"apply", "--json", playbook});
    for (const auto& [label, outcome] : outcomes(ended)) {
      REQUIRE(planned.count(label));
      const std::string& before_it = planned.at(label);
      CAPTURE(label, outcome, before_it);
      changed += outcome == "changed";
      unknown += before_it == "unknown";
      if (outcome == "changed") CHECK((before_it == "would_change" || before_it == "unknown"));
      if (before_it == "would_change" && ended.status == 0) CHECK(outcome == "changed");
      if (before_it == "ok") CHECK(outcome == "ok");
    }
    if (ended.status != 0) continue;
    ++applied;
    // Once more: only what always runs.
    for (const auto& [label, outcome] : outcomes(folder.run({"apply", "--json", playbook})))
      CHECK((outcome == "ok" || label.starts_with("command[")));
  }
  // The playbooks are worth something.
  CHECK(applied >= 15);
  CHECK(changed >= 60);
  CHECK(unknown >= 10);
}
