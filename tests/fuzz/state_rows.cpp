// The rows of a state database as another user may have written them: whatever is in the columns, a run is
// shown, and its inverse made, without a crash; and nothing in them changes the user it runs as, or what is
// done.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER … Otherwise a program that tries a bounded
// number of records, made from the ones below by a generator that is always the same.
#include "../support/replay.hpp"
#include "base/error.hpp"
#include "domains/inverse.hpp"
#include "host_run/run_records.hpp"
#include "require.hpp"
#include "state/journal_json.hpp"
#include "state/json_value.hpp"

namespace {

using namespace mlops;

RecordedStep listed(std::uint64_t sequence, const char* identity, bool detailed) {
  return {.sequence = sequence,
          .resource = "file[f]",
          .type = "file",
          .identity = identity,
          .state = StepState::done,
          .reason = {},
          .detailed = detailed};
}

// What the own database lists: of ada one step, of root two.
std::vector<RecordedStep> own_steps() {
  return {listed(1, "ada", false), listed(2, "root", false), listed(3, "root", true)};
}

bool takes_root(const Action& action) {
  return std::holds_alternative<InstallPackages>(action) || std::holds_alternative<RemovePackages>(action) ||
         std::holds_alternative<CreateUser>(action) || std::holds_alternative<RemoveUser>(action) ||
         std::holds_alternative<ChangeMembership>(action);
}

void try_record(const Value& told) {
  std::vector<RecordedStep> steps = own_steps();
  add_details(steps, "ada", told);
  const std::vector<RecordedStep> before = own_steps();
  require(steps.size() == before.size(), "a step was added");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    require(steps[i].sequence == before[i].sequence && steps[i].identity == before[i].identity &&
                steps[i].resource == before[i].resource && steps[i].type == before[i].type &&
                steps[i].state == before[i].state,
            "what the own database says was changed");
    if (i > 0)
      require(steps[i].detailed == before[i].detailed && steps[i].actions.empty(),
              "another's step was changed");
  }
  std::vector<Action> actions;
  for (const auto& action : steps[0].actions)
    if (action) actions.push_back(*action);
  for (const Action& action : actions) require(!takes_root(action), "a user did what only root can do");
  for (const Action& action : inverse(actions, steps[0].before).actions)
    require(to_kept(action).is_object(), "an inverse is no action");
  // It passes on as it is understood.
  const Value again = to_value(steps[0]);
  require(to_json(to_value(recorded_step(again))) == to_json(again), "a step is not what it was");
}

std::vector<std::string> records() {
  RecordedStep step = listed(1, "root", true);
  SavedPath saved{
      .path = "/etc/shadow", .kind = SavedPath::Kind::file, .mode = 04755, .owner = "root", .group = "root"};
  Before before;
  before.paths = {saved, {.path = "/etc/passwd", .kind = SavedPath::Kind::folder}};
  before.user = UserAccount{.name = "ada", .group = "ada", .groups = {"sudo"}};
  before.group = GroupAccount{.name = "ada", .members = {"root"}};
  before.active = before.enabled = true;
  before.packages = {{"vim", "1", "2"}, {"-o=x", "", "1"}};
  before.not_kept = "too large";
  std::vector<std::string> texts;
  const auto add = [&](std::vector<Action> actions) {
    step.actions.assign(actions.begin(), actions.end());
    step.before.assign(actions.size(), before);
    step.changes = {Change::create()};
    step.after = {{"path /etc/shadow", "file 0644"}, {"tree /", ""}};
    texts.push_back(to_json(Value(Value::Array{to_value(step)})));
  };
  add({WriteFile{.path = "/a"}, RemovePath{.path = "/a/b", .recursive = true}, RenamePath{"/a", "/c"}});
  add({CreateDirectory{.path = "/d", .mode = 0755}, CreateLink{.path = "/l", .target = "/d"},
       SetAttributes{.path = "/l", .mode = 04755, .owner = "root"}, RestorePath{saved, {}}});
  add({CreateUser{.name = "eve", .groups = {"root"}}, RemoveUser{"ada"},
       ChangeMembership{"ada", {"sudo"}, {}}});
  add({InstallPackages{.wanted = {"vim"}}, RemovePackages{.names = {"-o=x"}}, RepairPackages{}});
  add({ChangeUnit{.unit = "ssh.service", .verb = ChangeUnit::Verb::stop},
       RunCommand{.command = {.argv = {"sh", "-c", "x"}}, .creates = {"/a"}, .bounded = true},
       Download{.url = "https://x/", .path = "/e"}});
  add({StartTunnel{{.name = "../../x", .via = "y"}}, StopTunnel{"z"}});
  before.paths.clear();
  add({RemovePath{.path = "/a"}, RenamePath{"/a", "/c"}, RestorePath{saved, {}}, ChangeUser{.name = "ada"}});
  texts.emplace_back(
      R"([{"sequence": 1, "actions": [{"write_file": {"path": {"hex": "2f"}}}], "before": [[]], "after": []}])");
  texts.emplace_back(
      R"([{"sequence": 1, "state": -7, "actions": [null, 7, {}], "before": {"paths": [{}]}, "changes": [0]}])");
  return texts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try_record(parse_kept(std::string(reinterpret_cast<const char*>(data), size)));
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main(int argc, char** argv) {
  const auto seeds = records();
  for (const std::string& text : seeds)
    for (std::size_t cut = 0; cut < text.size(); cut += 11) run(text.substr(0, cut));
  return replay(argc, argv, seeds);
}
#endif
