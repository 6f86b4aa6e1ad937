// What runs leave for later ones, with the real program: what they did, what was interrupted, notifications
// that are pending.
#include <sys/mount.h>

#include "base/person.hpp"
#include "state/database.hpp"
#include "state/mark.hpp"
#include "state/schema.hpp"
#include "state/state_database.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace mlops;
using test::AgentFolder;
using test::Ended;
using test::Json;
using test::Words;
using Rows = std::vector<std::string>;

class StateFolder : public AgentFolder {
 public:
  std::string own() const { return state() + "/" + effective_person().name; }
  // The rows of a query, columns separated by |.
  Rows rows(const char* sql, int columns = 1) const {
    const auto database = open_state_database({own(), StateDatabaseSettings::For::reading, {}, {}});
    Rows all;
    if (!database) return all;
    Statement& query = database->statement(sql).with();
    while (query.step()) {
      std::string row = query.text(0);
      for (int i = 1; i < columns; ++i) row += "|" + query.text(i);
      all.push_back(row);
    }
    return all;
  }
  bool is_settled() const {
    CleanMarker mark;
    return read_mark(own(), mark) == MarkState::settled;
  }
  // Kills a run of the playbook once the path is there, and what it had started.
  void kill_at(const std::string& playbook, const std::string& started) const {
    const pid_t agent = start({"apply", playbook});
    await(started);
    ::kill(agent, SIGKILL);
    CHECK(wait(agent).status == 128 + SIGKILL);
  }
};

// Of an event of that label.
Json event_of(const Ended& ended, const std::string& label) {
  for (const Json& line : ended.lines())
    if (line.value("label", "") == label) return line;
  return {};
}

Rows notices(const Ended& ended) {
  Rows texts;
  for (const Json& line : ended.lines())
    if (line["event"] == "notice") texts.push_back(line["text"]);
  return texts;
}

std::string count(const std::string& path) {
  const std::string text = AgentFolder::read(path);
  return std::to_string(std::count(text.begin(), text.end(), '\n'));
}

// `creates` is there long before the command is done, which it is once @/go is there.
constexpr const char* half_way = R"({"resources": [
  {"type": "file", "id": "before", "path": "@/before", "content": "1", "notify": "told"},
  {"type": "command", "id": "long", "creates": "@/made",
   "shell": "echo $$ >> @/tries; mkdir -p @/made; for i in $(seq 600); do test -e @/go && break; sleep 0.1; done; touch @/made/whole"},
  {"type": "command", "id": "told", "only_when_notified": true, "shell": "echo x >> @/told"}]})";

}  // namespace

TEST_CASE("a run is listed with what it did, one that changes nothing is not", "[long]") {
  StateFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "f", "path": "@/f", "content": "1"},
    {"type": "directory", "path": "@/d"}]})");
  CHECK(folder.run({"plan", playbook}).status == 2);
  CHECK_FALSE(std::filesystem::exists(folder.state()));  // a plan leaves nothing
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.rows("SELECT kind, outcome, playbook FROM runs", 3) == Rows{"apply|done|" + playbook});
  CHECK(folder.rows("SELECT sequence, resource, type, state FROM steps", 4) ==
        Rows{"1|file[f]|file|1", "2|directory[" + folder.tree() + "/d]|directory|1"});
  CHECK(folder.rows("SELECT claims, makes, program FROM steps WHERE sequence = 1", 3) ==
        Rows{"[\"path " + folder.tree() + "/f\"]|1|0"});
  CHECK(folder.is_settled());

  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.rows("SELECT count(*) FROM runs") == Rows{"1"});
  CHECK(folder.is_settled());
}

TEST_CASE("after a run that was killed, the next names the interrupted step, repeats it, and notifies",
          "[long]") {
  StateFolder folder;
  const std::string playbook = folder.write("p.json", half_way), told = folder.tree() + "/told";
  folder.kill_at(playbook, folder.tree() + "/made");
  CHECK_FALSE(std::filesystem::exists(told));
  CHECK(folder.rows("SELECT resource, state FROM steps", 2) == Rows{"file[before]|1", "command[long]|0"});
  std::ofstream(folder.tree() + "/go");

  const Ended plan = folder.run({"plan", "--json", playbook});
  REQUIRE(notices(plan).size() == 1);
  CHECK_THAT(notices(plan)[0], Catch::StartsWith("an earlier run of " + playbook + " (started ") &&
                                   Catch::EndsWith(") was interrupted during command[long]"));
  CHECK(event_of(plan, "command[long]")["note"] == "interrupted in an earlier run");
  CHECK(event_of(plan, "command[long]")["outcome"] == "would_change");
  CHECK(event_of(plan, "command[told]")["note"] == "notified by file[before] in an earlier run");
  CHECK(event_of(plan, "command[told]")["outcome"] == "would_change");

  const Ended apply = folder.run({"apply", "--json", playbook});
  CHECK(apply.status == 0);
  CHECK(notices(apply) == notices(plan));
  CHECK(event_of(apply, "file[before]")["outcome"] == "ok");
  CHECK(event_of(apply, "command[long]")["outcome"] == "changed");
  CHECK(count(folder.tree() + "/tries") == "2");
  CHECK(count(told) == "1");
  CHECK(folder.rows("SELECT resource, state FROM steps WHERE run = 1", 2) ==
        Rows{"file[before]|1", "command[long]|4"});
  CHECK(folder.rows("SELECT outcome FROM runs") == Rows{"cut off", "done"});
  CHECK(folder.rows("SELECT count(*) FROM notifications") == Rows{"0"});

  const Ended again = folder.run({"apply", "--json", playbook});
  CHECK(notices(again).empty());
  CHECK(event_of(again, "command[long]")["outcome"] == "ok");
  CHECK(folder.rows("SELECT count(*) FROM runs") == Rows{"2"});
  CHECK(folder.is_settled());
}

TEST_CASE(
    "what a command made before it failed does not count as made, not when it is tried again and not in the "
    "next run",
    "[long]") {
  StateFolder folder;
  const std::string once =
      "echo >>tries; if [ -e made ]; then echo whole >made; else echo half >made; exit 1; fi";
  const auto playbook = [&](const char* retry) {
    return folder.write("p.json",
                        R"({"resources": [{"type": "command", "id": "long", "cwd": "@", "creates": "@/made",
      "argv": ["sh", "-c", ")" +
                            once + R"("])" + retry + "}]}");
  };
  SECTION("the next run") {
    CHECK(folder.run({"apply", playbook("")}).status == 1);
    CHECK(folder.rows("SELECT state FROM steps") == Rows{"3"});
    const Ended plan = folder.run({"plan", "--json", playbook("")});
    CHECK(event_of(plan, "command[long]")["outcome"] == "would_change");
    CHECK(event_of(plan, "command[long]")["note"] == "failed in an earlier run");
    CHECK(folder.run({"apply", playbook("")}).status == 0);
    CHECK(folder.rows("SELECT state FROM steps") == Rows{"4", "1"});
  }
  SECTION("the same run") {
    CHECK(folder.run({"apply", playbook(R"(, "retry": {"times": 2, "delay": "0s"})")}).status == 0);
    CHECK(folder.rows("SELECT state FROM steps") == Rows{"4", "1"});
  }
  CHECK(AgentFolder::read(folder.tree() + "/made") == "whole\n");
  CHECK(count(folder.tree() + "/tries") == "2");
  CHECK(event_of(folder.run({"apply", "--json", playbook("")}), "command[long]")["outcome"] == "ok");
  CHECK(folder.is_settled());
}

TEST_CASE("an interrupted step that converged all the same is trusted once it was inspected") {
  StateFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "f", "path": "@/f", "content": "1"}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  {
    // As a run leaves it that was killed after it acted and before it recorded that.
    const auto database = open_state_database({folder.own(), StateDatabaseSettings::For::writing, {}, {}});
    database->run("UPDATE steps SET state = 0; UPDATE runs SET outcome = NULL, ended = NULL");
    remove_mark(folder.own());
  }
  const Ended ended = folder.run({"apply", "--json", playbook});
  CHECK(ended.status == 0);
  CHECK(event_of(ended, "file[f]")["outcome"] == "ok");
  CHECK(event_of(ended, "file[f]")["note"] == "interrupted in an earlier run");
  CHECK(folder.rows("SELECT state FROM steps") == Rows{"4"});
  CHECK(folder.rows("SELECT outcome FROM runs") == Rows{"cut off"});  // this one did nothing
  CHECK(folder.is_settled());
}

TEST_CASE("a notification whose target fails is kept for the next run, which changes nothing else") {
  StateFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "f", "path": "@/f", "content": "1", "notify": "told"},
    {"type": "command", "id": "told", "only_when_notified": true, "shell": "test -e @/go && echo x >> @/told"}]})");
  CHECK(folder.run({"apply", playbook}).status == 1);
  CHECK(folder.rows("SELECT target, source FROM notifications", 2) == Rows{"told|file[f]"});
  CHECK(folder.run({"apply", "--only", "f", playbook}).status == 0);  // not looked at: it stays
  CHECK(folder.rows("SELECT count(*) FROM notifications") == Rows{"1"});
  std::ofstream(folder.tree() + "/go");
  CHECK(folder.run({"apply", playbook}).status == 0);
  CHECK(count(folder.tree() + "/told") == "1");
  CHECK(folder.rows("SELECT count(*) FROM notifications") == Rows{"0"});
  CHECK(folder.run({"apply", playbook}).status == 0);
  CHECK(count(folder.tree() + "/told") == "1");
  CHECK(folder.is_settled());
}

TEST_CASE("a notification of a resource that the playbook no longer has is dropped") {
  StateFolder folder;
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "f", "path": "@/f", "content": "1", "notify": "told"},
    {"type": "command", "id": "told", "only_when_notified": true, "shell": "false"}]})");
  CHECK(folder.run({"apply", playbook}).status == 1);
  folder.write("p.json", R"({"resources": [{"type": "file", "id": "f", "path": "@/f", "content": "1"}]})");
  CHECK(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.rows("SELECT count(*) FROM notifications") == Rows{"0"});
}

TEST_CASE("the ledger says what a playbook made and what it found") {
  StateFolder folder;
  std::ofstream(folder.tree() + "/found") << "1";
  std::ofstream(folder.tree() + "/changed") << "0";
  const std::string playbook = folder.write("p.json", R"({"vars": {"name": "made"}, "resources": [
    {"type": "file", "path": "@/found", "content": "1"},
    {"type": "file", "path": "@/changed", "content": "1"},
    {"type": "file", "path": "@/{{vars.name}}", "content": "1"},
    {"type": "file", "id": "gone", "path": "@/gone", "state": "absent"},
    {"type": "verify", "argv": ["true"]}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  const std::string tree = folder.tree();
  CHECK(folder.rows("SELECT resource, declared, origin, changed_by IS NULL FROM ledger ORDER BY resource", 4) ==
        Rows{"file[" + tree + "/changed]|file[" + tree + "/changed]|adopted|0",
             "file[" + tree + "/found]|file[" + tree + "/found]|adopted|1",
             "file[" + tree + "/made]|file[" + tree + "/{{vars.name}}]|created|0"});
  CHECK(folder.rows("SELECT claims, removal FROM ledger WHERE origin = 'created'", 2) ==
        Rows{"[\"owns path " + tree + "/made\"]|{\"type\":\"file\",\"path\":\"" + tree +
             "/made\",\"state\":\"absent\"}"});
  CHECK_THAT(folder.rows("SELECT fingerprint FROM ledger WHERE origin = 'created'").at(0),
             Catch::StartsWith("{\"path " + tree + "/made\":\"file 0644 "));

  // Once its desired state is absent, it is not made any more.
  folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/made", "state": "absent"}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.rows("SELECT count(*) FROM ledger WHERE resource LIKE '%made%'") == Rows{"0"});
}

TEST_CASE("what a run that was killed had made counts as made") {
  StateFolder folder;
  const std::string playbook = folder.write("p.json", half_way);
  folder.kill_at(playbook, folder.tree() + "/made");
  std::ofstream(folder.tree() + "/go");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.rows("SELECT origin FROM ledger WHERE resource = 'file[before]'") == Rows{"created"});
}

TEST_CASE("what a playbook finds converged is recorded the first time, though nothing changes") {
  StateFolder folder;
  std::ofstream(folder.tree() + "/f") << "1";
  const std::string playbook =
      folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/f", "content": "1"}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.rows("SELECT origin FROM ledger") == Rows{"adopted"});
  CHECK(folder.rows("SELECT count(*) FROM runs") == Rows{"0"});
  const auto written = std::filesystem::last_write_time(folder.own() + "/settled");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(std::filesystem::last_write_time(folder.own() + "/settled") == written);
  // The playbook grows.
  folder.write(
      "p.json",
      R"({"resources": [{"type": "file", "path": "@/f", "content": "1"}, {"type": "directory", "path": "@"}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  CHECK(folder.rows("SELECT count(*) FROM ledger") == Rows{"2"});
}

TEST_CASE("a database of a newer program is refused with 4, and nothing is touched") {
  StateFolder folder;
  const std::string playbook =
      folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/f", "content": "1"}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  open_state_database({folder.own(), StateDatabaseSettings::For::writing, {}, {}})
      ->run("PRAGMA user_version = 99");
  std::ofstream(folder.tree() + "/f") << "2";
  const Ended ended = folder.run({"apply", playbook});
  CHECK(ended.status == 4);
  CHECK_THAT(ended.err, Catch::Contains("was written by a newer mlops-agent (its schema is 99"));
  CHECK(AgentFolder::read(folder.tree() + "/f") == "2");
}

TEST_CASE("a database that is damaged is set aside with a notice, and the machine converges") {
  StateFolder folder;
  const std::string playbook =
      folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/f", "content": "1"}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  std::filesystem::resize_file(folder.own() + "/state.db", 5000);
  std::ofstream(folder.tree() + "/f") << "2";
  const Ended ended = folder.run({"apply", "--json", playbook});
  CHECK(ended.status == 0);
  REQUIRE_FALSE(notices(ended).empty());
  CHECK_THAT(notices(ended).back(), Catch::Contains("is damaged") && Catch::Contains("set aside as"));
  CHECK(AgentFolder::read(folder.tree() + "/f") == "1");
  CHECK(folder.rows("SELECT outcome FROM runs") == Rows{"done"});
}

TEST_CASE(
    "damage in the description of a table is damage, though SQLite takes it for a mistake in a statement") {
  StateFolder folder;
  const std::string playbook = folder.write("p.json", R"({"vars": {"text": "1"}, "resources": [
    {"type": "file", "path": "@/f", "content": "{{vars.text}}"}]})");
  REQUIRE(folder.run({"apply", playbook}).status == 0);
  const std::string path = folder.own() + "/state.db";
  std::string bytes = AgentFolder::read(path);
  const auto at = bytes.find("changes TEXT, actions TEXT");
  REQUIRE(at != bytes.npos);
  bytes.replace(at, 7, "chances");
  std::ofstream(path) << bytes;
  const Ended ended = folder.run({"apply", "--json", playbook, "--set", "text=2"});
  CHECK(ended.status == 0);
  REQUIRE(notices(ended).size() == 1);
  CHECK_THAT(notices(ended)[0], Catch::Contains(" is damaged (") && Catch::Contains("it was set aside as "));
  CHECK(AgentFolder::read(folder.tree() + "/f") == "2");
  CHECK(folder.rows("SELECT resource, state FROM steps", 2) == Rows{"file[" + folder.tree() + "/f]|1"});
}

TEST_CASE("what is too large to be kept is said before it is gone, by the plan and by the run") {
  StateFolder folder;
  std::ofstream(folder.tree() + "/large") << std::string(2000, 'x');
  std::ofstream(folder.tree() + "/small") << std::string(1000, 'x');
  std::filesystem::create_directory(folder.tree() + "/d");
  for (const char* name : {"/d/1", "/d/2"}) std::ofstream(folder.tree() + name) << std::string(600, 'x');
  const std::string playbook = folder.write("p.json", R"({"resources": [
    {"type": "file", "id": "large", "path": "@/large", "content": "1"},
    {"type": "file", "id": "small", "path": "@/small", "content": "1"},
    {"type": "file", "id": "new", "path": "@/new", "content": "1"},
    {"type": "directory", "id": "d", "path": "@/d", "state": "absent", "recursive": true}]})");
  for (const std::string command : {"plan", "apply"}) {
    const Ended ended = folder.run({command, "--json", playbook, "--keep-limit", "1000"});
    for (const char* label : {"file[large]", "directory[d]"})
      CHECK(event_of(ended, label)["note"] == "the replaced content is not kept: it is more than 1000 bytes");
    for (const char* label : {"file[small]", "file[new]"}) CHECK(event_of(ended, label)["note"].is_null());
  }
  CHECK(folder.rows("SELECT resource FROM steps WHERE before LIKE '%not_kept%' AND before NOT LIKE "
                    "'%\"not_kept\":\"\"%'") == Rows{"file[large]", "directory[d]"});
}

TEST_CASE("on a full disk nothing is begun, and the message says why") {
  if (!test::is_root("a full disk")) return;
  StateFolder folder;
  const std::string disk = folder.path("disk");
  std::filesystem::create_directory(disk);
  REQUIRE(::mount("none", disk.c_str(), "tmpfs", 0, "size=64k") == 0);
  std::ofstream(disk + "/ballast") << std::string(1 << 16, 'x');
  const std::string playbook =
      folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/f", "content": "1"}]})");
  const Ended ended = folder.run({"apply", playbook, "--state", disk});
  CHECK(::umount(disk.c_str()) == 0);
  CHECK(ended.status == 4);
  CHECK_THAT(ended.err,
             Catch::Contains(disk) && Catch::Contains("full") && Catch::Contains("nothing was touched"));
  CHECK_FALSE(std::filesystem::exists(folder.tree() + "/f"));
}

TEST_CASE("a state folder of somebody else is refused, and --trust-writable does not change that") {
  if (!test::is_root("a folder of another user")) return;
  StateFolder folder;
  std::filesystem::create_directories(folder.own());
  REQUIRE(::chown(folder.own().c_str(), 1, 1) == 0);
  const std::string book =
      folder.write("p.json", R"({"resources": [{"type": "file", "path": "@/f", "content": "1"}]})");
  const Ended refused = folder.run({"apply", book});
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains(folder.own() + " belongs to daemon"));
  const Ended trusting = folder.run({"apply", "--trust-writable", book});
  CHECK(trusting.status == 4);
  CHECK_THAT(trusting.err, Catch::Contains("belongs to another user (uid 1)"));
  CHECK_FALSE(std::filesystem::exists(folder.tree() + "/f"));
}

TEST_CASE("With --wait a run waits for another run to end, and says how long it did where it does not") {
  StateFolder folder;
  const std::string playbook = folder.write("p.json", half_way);
  const std::string other =
      folder.write("o.json", R"({"resources": [{"type": "file", "path": "@/o", "content": "1"}]})");
  const pid_t first = folder.start({"apply", playbook}, "/dev/null", "first");
  AgentFolder::await(folder.tree() + "/made");
  const Ended impatient = folder.run({"apply", other, "--wait", "1"});
  CHECK(impatient.status == 4);
  CHECK_THAT(impatient.err,
             Catch::Contains("another run is active, and was for all of the 1 s that it was waited for: "
                             "process " +
                             std::to_string(first) + " applies " + playbook + " since "));
  const pid_t patient = folder.start({"apply", other, "--wait", "60"});
  std::ofstream(folder.tree() + "/go");
  CHECK(folder.wait(first, "first").status == 0);
  CHECK(folder.wait(patient).status == 0);
  CHECK(AgentFolder::read(folder.tree() + "/o") == "1");
  CHECK(folder.rows("SELECT outcome FROM runs") == Rows{"done", "done"});
}
