// What the database and `history` report of earlier runs.
#include "state/recorded_runs.hpp"

#include "host_run/run_records.hpp"
#include "state/state_database.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"
#include "support/recorded.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace mlops;
using mlops::test::AgentFolder;
using mlops::test::Ended;
using mlops::test::Recorder;
using mlops::test::TemporaryFolder;

std::unique_ptr<Database> read(const std::string& folder) {
  return open_state_database({folder, StateDatabaseSettings::For::reading, {}, {}});
}

Change content(const char* before, const char* after) {
  return {.property = "content", .before = before, .after = after};
}

// A run that wrote one file.
std::string run_of(Recorder& recorder, const std::string& path, const std::string& text,
                   RunHeader header = {}) {
  const std::string id = recorder.begin(std::move(header));
  recorder.perform("file[f]", {WriteFile{.path = path, .content = text}}, {content("", text.c_str())});
  recorder.end();
  return id;
}

std::string short_of(const std::string& id) { return id.substr(0, 13); }

}  // namespace

TEST_CASE("runs are listed with how they ended, the newest first") {
  const TemporaryFolder top;
  Recorder recorder(top / "state");
  const std::string first = run_of(recorder, top / "f", "one");
  const std::string second = recorder.begin();
  recorder.perform("file[f]", {WriteFile{.path = top / "f", .content = "two"}});
  recorder.interrupt();
  const std::string third = run_of(recorder, top / "f", "three");

  const auto database = read(recorder.folder());
  const RecordedRuns runs(*database);
  const auto all = runs.all();
  REQUIRE(all.size() == 3);
  CHECK(all[0].id == third);
  CHECK(all[0].outcome == "done");
  CHECK(all[0].participants == std::vector<std::string>{recorder.self()});
  CHECK(all[1].id == second);
  CHECK(all[1].outcome == "cut off");
  CHECK(all[1].ended == 0);
  CHECK(all[2].id == first);
  CHECK(to_json(all[2].counts) == R"({"changed":1})");
  CHECK(all[2].playbook_key == "/site.json");
}

TEST_CASE("a run whose process exists is running") {
  const TemporaryFolder top;
  Recorder recorder(top / "state");
  recorder.begin();
  recorder.begin_only("file[f]", {WriteFile{.path = top / "f", .content = "x"}});
  const auto database = read(recorder.folder());
  CHECK(RecordedRuns(*database).all().at(0).outcome == "under way");
  recorder.end();
}

TEST_CASE("a run is found by its id, by how that begins, and as the last") {
  const TemporaryFolder top;
  Recorder recorder(top / "state");
  const std::string first = "01990000-0000-7000-8000-000000000001",
                    second = "01990000-0001-7000-8000-000000000002";
  run_of(recorder, top / "f", "one", {.id = first});
  run_of(recorder, top / "f", "two", {.id = second});
  const auto database = read(recorder.folder());
  const RecordedRuns runs(*database);
  CHECK(runs.find(first).id == first);
  CHECK(runs.find("01990000-0001").id == second);
  CHECK(runs.find("last").id == second);
  CHECK_THROWS_WITH(runs.find("01990000"), "2 runs begin with 01990000: " + second + " and " + first);
  CHECK_THROWS_WITH(runs.find("0199"), Catch::StartsWith("2 runs begin with 0199: "));
  CHECK_THROWS_WITH(runs.find("019"), "there is no run 019; `mlops-agent history` lists them");
  CHECK_THROWS_WITH(runs.find("ffff"), "there is no run ffff; `mlops-agent history` lists them");
}

TEST_CASE("undo reverts the newest run that is no undo and was not undone") {
  const TemporaryFolder top;
  Recorder recorder(top / "state");
  const std::string first = run_of(recorder, top / "f", "one"), second = run_of(recorder, top / "f", "two");
  const auto next = [&] {
    const auto database = read(recorder.folder());
    return RecordedRuns(*database).last_to_undo().id;
  };
  CHECK(next() == second);
  const std::string undo = run_of(recorder, top / "f", "one", {.kind = "undo", .undoes = second});
  CHECK(next() == first);
  {
    const auto database = read(recorder.folder());
    CHECK(RecordedRuns(*database).find(second).undone_by == undo);
  }
  // The undo is undone itself: then the run stands again.
  run_of(recorder, top / "f", "two", {.kind = "undo", .undoes = undo});
  CHECK(next() == second);
  run_of(recorder, top / "f", "one", {.kind = "undo", .undoes = second});
  run_of(recorder, top / "f", "", {.kind = "undo", .undoes = first});
  const auto database = read(recorder.folder());
  CHECK_THROWS_WITH(RecordedRuns(*database).last_to_undo(),
                    "there is no run that changed something and was not undone");
}

TEST_CASE("a step is reported with its changes, what it replaced and how it was left, and passes as JSON") {
  const TemporaryFolder top;
  top.file("f", "earlier", 0640);
  Recorder recorder(top / "state");
  run_of(recorder, top / "f", "later");
  const auto database = read(recorder.folder());
  const RecordedRuns runs(*database);
  const auto steps = runs.steps(runs.find("last").number);
  REQUIRE(steps.size() == 1);
  const RecordedStep& step = steps[0];
  CHECK(step.resource == "file[f]");
  CHECK(step.type == "file");
  CHECK(step.state == StepState::done);
  CHECK(step.detailed);
  CHECK(step.changes.at(0).after == Value("later"));
  CHECK(std::get<WriteFile>(*step.actions.at(0)).path == top / "f");
  CHECK(step.before.at(0).paths.at(0).mode == 0640);
  CHECK_THAT(step.after.at("path " + (top / "f")), Catch::StartsWith("file 0640 "));

  const RecordedStep copy = recorded_step(to_value(step));
  CHECK(copy.detailed);
  CHECK(copy.before == step.before);
  CHECK(copy.after == step.after);
  CHECK(std::get<WriteFile>(*copy.actions.at(0)).path == top / "f");
}

TEST_CASE("the last run that did something for a resource is known by its playbook") {
  const TemporaryFolder top;
  Recorder recorder(top / "state");
  run_of(recorder, top / "f", "one");
  const std::string second = run_of(recorder, top / "f", "two");
  run_of(recorder, top / "f", "three", {.playbook_key = "/other.json"});
  const auto database = read(recorder.folder());
  const RecordedRuns runs(*database);
  const auto last = runs.last_change("/site.json", "file[f]");
  REQUIRE(last);
  CHECK(last->run.id == second);
  CHECK(last->step.changes.at(0).after == Value("two"));
  CHECK_FALSE(runs.last_change("/site.json", "file[g]"));
}

TEST_CASE("pruning keeps the newest runs, and interrupted ones until they are recovered") {
  const TemporaryFolder top;
  Recorder recorder(top / "state");
  const std::string cut = recorder.begin();
  recorder.begin_only("file[g]", {WriteFile{.path = top / "g", .content = "half"}});
  recorder.interrupt();
  for (int i = 0; i < 5; ++i) run_of(recorder, top / "f", std::to_string(i));
  const auto database = open_state_database({recorder.folder(), StateDatabaseSettings::For::writing, {}, {}});
  CHECK(prune_runs(*database, recorder.folder(), 3) == 2);
  CHECK(prune_runs(*database, recorder.folder(), 3) == 0);
  const auto all = RecordedRuns(*database).all();
  REQUIRE(all.size() == 4);
  CHECK(all.back().id == cut);
  CHECK(database->integer("SELECT count(*) FROM steps") == 4);
  CHECK(database->integer("SELECT count(*) FROM images WHERE digest NOT IN (SELECT digest FROM image_uses)") ==
        0);
}

// ---- the command
// ---------------------------------------------------------------------------------------------------

TEST_CASE("history lists runs, and shows one with what it changed") {
  const AgentFolder folder;
  Recorder recorder(folder.path("state"));
  const std::string path = folder.tree() + "/f";
  const std::string id = recorder.begin();
  recorder.perform("file[f]", {WriteFile{.path = path, .content = "x"}},
                   {{.property = "content", .before = "", .after = "x", .text_diff = "@@ -0,0 +1 @@\n+x\n"}});
  recorder.end("done", R"({"ok":2,"changed":1})");

  const Ended list = folder.run({"history", "--state", folder.path("state")});
  CHECK(list.status == 0);
  CHECK_THAT(list.out, Catch::StartsWith(short_of(id) + "  ") &&
                           Catch::EndsWith("  apply  site.json  2 ok, 1 changed  done\n"));

  const Ended one = folder.run({"history", short_of(id), "--state", folder.path("state")});
  CHECK(one.status == 0);
  CHECK_THAT(one.out, Catch::StartsWith("apply site.json  " + id + "\n"));
  CHECK_THAT(one.out,
             Catch::Contains("file[f]") && Catch::Contains("content +1\n      @@ -0,0 +1 @@\n      +x\n"));

  const auto lines = folder.run({"history", "last", "--json", "--state", folder.path("state")}).lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["event"] == "run");
  CHECK(lines[0]["id"] == id);
  CHECK(lines[0]["counts"]["changed"] == 1);
  CHECK(lines[0]["undone_by"].is_null());
  CHECK(lines[1]["label"] == "file[f]");
  CHECK(lines[1]["state"] == "done");
  CHECK(lines[1]["changes"][0]["text_diff"] == "@@ -0,0 +1 @@\n+x\n");
}

TEST_CASE("history of a run that is not there is refused, of no runs at all says so") {
  const AgentFolder folder;
  const Ended none = folder.run({"history", "--state", folder.path("state")});
  CHECK(none.status == 0);
  CHECK(none.err == "there is no recorded run of " + effective_person().name + "\n");
  Recorder recorder(folder.path("state"));
  run_of(recorder, folder.tree() + "/f", "x");
  const Ended unknown = folder.run({"history", "ffff", "--state", folder.path("state")});
  CHECK(unknown.status == 3);
  CHECK(unknown.err == "there is no run ffff; `mlops-agent history` lists them\n");
  CHECK(unknown.out.empty());
}

TEST_CASE("history of a run of two identities says whose part cannot be read") {
  const AgentFolder folder;
  Recorder recorder(folder.path("state"));
  const std::string id = recorder.begin();
  recorder.announce("file[g]", "nosuchuser");
  recorder.end();
  const Ended told = folder.run({"history", "last", "--state", folder.path("state")});
  CHECK(told.status == 0);
  CHECK_THAT(told.out, Catch::Contains("file[g]") && Catch::Contains("nosuchuser"));
  CHECK_THAT(told.err, Catch::StartsWith("what nosuchuser did for it is not shown: "));
}

TEST_CASE("history --prune forgets all but the last 20 runs") {
  const AgentFolder folder;
  Recorder recorder(folder.path("state"));
  for (int i = 0; i < 23; ++i) run_of(recorder, folder.tree() + "/f", std::to_string(i));
  const Ended pruned = folder.run({"history", "--prune", "--state", folder.path("state")});
  CHECK(pruned.err.empty());
  CHECK(pruned.out == "3 runs removed; the last 20 are kept\n");
  CHECK(pruned.status == 0);
  CHECK(folder.run({"history", "--json", "--state", folder.path("state")}).lines().size() == 20);
}

TEST_CASE("of another user's record only the details of the steps that are listed as that user's are taken") {
  const auto step = [](std::uint64_t sequence, const char* identity, bool detailed) {
    RecordedStep one{.sequence = sequence,
                     .resource = "file[f]",
                     .type = "file",
                     .identity = identity,
                     .state = StepState::done,
                     .reason = {},
                     .detailed = detailed};
    if (detailed) one.actions = {WriteFile{.path = "/told"}};
    return one;
  };
  std::vector<RecordedStep> own = {step(1, "root", false), step(2, "ada", false), step(3, "root", true)};
  own[2].actions = {WriteFile{.path = "/own"}};
  Value::Array told;
  for (const std::uint64_t sequence : {1, 2, 3, 4}) {
    RecordedStep one = step(sequence, "root", true);
    one.resource = "file[forged]";
    one.state = StepState::interrupted;
    told.push_back(to_value(one));
  }
  add_details(own, "ada", Value(std::move(told)));
  REQUIRE(own.size() == 3);
  CHECK_FALSE(own[0].detailed);
  CHECK(own[1].detailed);
  CHECK(own[1].identity == "ada");
  CHECK(own[1].resource == "file[f]");
  CHECK(own[1].state == StepState::done);
  CHECK(std::get<WriteFile>(own[1].actions.at(0).value()).path == "/told");
  CHECK(std::get<WriteFile>(own[2].actions.at(0).value()).path == "/own");
}

TEST_CASE("undo by itself reverts the last run that changed something, not one in which nothing changed") {
  const TemporaryFolder top;
  Recorder recorder(top / "state");
  const std::string changed = run_of(recorder, top / "f", "one");
  recorder.begin();
  CHECK_THROWS(recorder.perform("file[g]", {WriteFile{.path = top / "none/g", .content = "x"}}));
  recorder.end("failed", R"({"failed":1})");
  const auto database = read(recorder.folder());
  const RecordedRuns runs(*database);
  REQUIRE(runs.all().size() == 2);
  CHECK(runs.last_to_undo().id == changed);
}
