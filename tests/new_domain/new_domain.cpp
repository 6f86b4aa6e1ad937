// A domain that is one folder and one entry in the list of domains has all that the others have: it can be
// planned, performed, journalled, undone, recorded, and used through a helper.
#include <cstdlib>

#include "base/cancellation.hpp"
#include "base/person.hpp"
#include "domains/capture_before.hpp"
#include "domains/inverse.hpp"
#include "domains/is_satisfied.hpp"
#include "machine/host.hpp"
#include "machine/local.hpp"
#include "machine/overlay.hpp"
#include "machine/privilege/piped.hpp"
#include "machine/read_recorder.hpp"
#include "state/journal_json.hpp"
#include "state/recorded_runs.hpp"
#include "state/run_id.hpp"
#include "state/state_database.hpp"
#include "state/state_journals.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using mlops::test::TemporaryFolder;

namespace {

// The machine that this test runs on, with a folder of notes of its own.
struct Bench : Host {
  Bench() {
    ::setenv("NOTES_FOLDER", (folder / "").c_str(), 1);
    machine = make_local_machine(
        {acting_user(effective_person().name), "", folder / "cache", effective_person().uid}, cancellation, {});
  }
  Machine& as(const Identity&) override { return *machine; }
  void begin(const std::string&) override {}
  std::vector<std::string> doubts() const override { return {}; }
  void add_to_path(const Identity&, const std::vector<std::string>&) override {}

  TemporaryFolder folder;
  Cancellation cancellation;
  std::unique_ptr<Machine> machine;
};

const std::vector<Action> both{PutNote{"todo", "buy milk"}, RemoveNote{"old"}};

}  // namespace

TEST_CASE("a new domain's actions are performed and read back") {
  Bench bench;
  bench.machine->perform(both);
  CHECK(bench.machine->notes().note("todo") == "buy milk");
  CHECK_FALSE(bench.machine->notes().note("old"));
}

TEST_CASE("a new domain's actions are simulated by a plan, which changes nothing") {
  Bench bench;
  bench.machine->perform(std::vector<Action>{PutNote{"old", "a list"}});
  const auto plan = make_overlay_host(bench, {effective_person().name});
  Machine& simulated = plan->as({effective_person().name});
  simulated.perform(both);
  CHECK(simulated.notes().note("todo") == "buy milk");
  CHECK_FALSE(simulated.notes().note("old"));
  CHECK(is_satisfied(both, simulated));
  CHECK_FALSE(bench.machine->notes().note("todo"));
  CHECK(bench.machine->notes().note("old") == "a list");
}

TEST_CASE("a new domain's reads are recorded among the preconditions of a plan") {
  Bench bench;
  Preconditions found;
  CHECK_FALSE(make_read_recorder(*bench.machine, found)->notes().note("todo"));
  CHECK(found == Preconditions{{"note todo", "absent"}});
}

TEST_CASE("a new domain's actions have their form in the journal") {
  CHECK(to_json(to_kept(both[0])) == R"({"put_note":{"name":"todo","text":"buy milk"}})");
  CHECK(to_json(to_kept(both[1])) == R"({"remove_note":{"name":"old"}})");
  for (const Action& action : both) CHECK(kept_action(to_kept(action)) == action);
}

TEST_CASE("a new domain's actions are journalled, and undone from the journal") {
  Bench bench;
  bench.machine->perform(std::vector<Action>{PutNote{"old", "a list"}});
  const std::string state = bench.folder / "state";
  const RunHeader run{.id = new_run_id(""),
                      .kind = "apply",
                      .playbook = "site.json",
                      .playbook_key = "/site.json",
                      .starter = effective_person().name,
                      .started = 1};
  {
    const auto journal = make_journals({.folder = state})
                             ->of(acting_user(effective_person().name), effective_person().uid, *bench.machine,
                                  [](const std::string&) {});
    journal->open(run);
    const Step step{{.sequence = 1, .resource = "note[todo]", .type = "note"}, both};
    for (const auto& error : perform_steps({&step, 1}, *bench.machine, journal.get())) CHECK_FALSE(error);
    journal->conclude("done", "");
  }
  const auto database =
      open_state_database({state + "/" + effective_person().name, StateDatabaseSettings::For::reading, {}, {}});
  REQUIRE(database);
  const RecordedRuns recorded(*database);
  const auto runs = recorded.all();
  REQUIRE(runs.size() == 1);
  const auto steps = recorded.steps(runs[0].number);
  REQUIRE(steps.size() == 1);
  std::vector<Action> done;
  for (const auto& action : steps[0].actions) done.push_back(action.value());
  CHECK(done == both);
  bench.machine->perform(inverse(done, steps[0].before).actions);
  CHECK_FALSE(bench.machine->notes().note("todo"));
  CHECK(bench.machine->notes().note("old") == "a list");
}

TEST_CASE("a new domain is read and changed through a helper") {
  Bench bench;
  const std::string me = effective_person().name;
  const auto helper = start_helper({me, me, {}, me, ""}, bench.cancellation, {});
  helper->perform(both);
  CHECK(helper->notes().note("todo") == "buy milk");
  CHECK(bench.machine->notes().note("todo") == "buy milk");
}
