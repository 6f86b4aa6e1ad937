#include "host_run/run_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/own_executable.hpp"
#include "base/person.hpp"
#include "base/printable.hpp"
#include "machine/local.hpp"
#include "state/json_value.hpp"
#include "state/state_database.hpp"
#include "state/state_folder.hpp"

namespace mlops {
namespace {

// bytes: below the limit on a program's captured output (run_process)
constexpr std::size_t part_size = 512u << 10;
constexpr std::size_t largest_record = 256u << 20;  // bytes of one run, as another user's process reports it

std::unique_ptr<Database> open_for_reading(const std::string& user, const std::string& given,
                                           const Notice& notice) {
  const std::string folder = find_state_folder(state_folder(acting_user(user), given));
  if (folder.empty()) return nullptr;
  return open_state_database({folder, StateDatabaseSettings::For::reading, notice, {}});
}

// The output of the identity's own process, read in parts.
std::string told_by(const Machine& machine, const std::string& id, const std::string& given) {
  std::string all;
  for (;;) {
    Command ask{.argv = own_command()};
    for (const std::string& word : {std::string("recorded"), id, std::to_string(all.size()), given})
      ask.argv.push_back(word);
    const CommandResult told = machine.commands().run(ask);
    if (told.status != 0) throw Error(told.errors.substr(0, told.errors.find('\n')));
    all += told.output;
    if (all.size() > largest_record) throw Error(fmt::format("it is more than {} MiB", largest_record >> 20));
    if (told.output.size() < part_size) return all;
  }
}

// Actions that need root cannot have been done by another user's process, whatever that user's database says.
bool takes_root(const std::optional<Action>& action) {
  return action && traits_of(*action).needs == Needs::root;
}

}  // namespace

RunRecords::RunRecords(std::string given, const std::function<void(const std::string&)>& notice)
    : given_(std::move(given)),
      self_(effective_person().name),
      database_(open_for_reading(self_, given_, notice)) {
  if (!database_) throw NoSuchRun("there is no recorded run of " + self_);
  own_ = std::make_unique<RecordedRuns>(*database_);
}

RunRecords::~RunRecords() = default;

WholeRun RunRecords::whole(const RecordedRun& run, Host& host) const {
  WholeRun whole{run, own_->steps(run.number), {}};
  for (const std::string& identity : run.participants) {
    if (identity == self_) continue;
    try {
      add_details(whole.steps, identity, parse_kept(told_by(host.as({identity}), run.id, given_)));
    } catch (const Error& e) {
      whole.missing[identity] = e.what();
    } catch (const Unknown& unknown) {
      whole.missing[identity] = "needs to run as " + identity;
      whole.withheld.insert(identity);
    }
  }
  std::sort(whole.steps.begin(), whole.steps.end(),
            [](const RecordedStep& a, const RecordedStep& b) { return a.sequence < b.sequence; });
  return whole;
}

void add_details(std::vector<RecordedStep>& steps, const std::string& identity, const Value& told) {
  if (!told.is_array()) return;
  for (const Value& one : told.as_array()) {
    RecordedStep step = recorded_step(one);
    const auto listed = std::find_if(steps.begin(), steps.end(), [&](const RecordedStep& own) {
      return own.sequence == step.sequence && own.identity == identity && !own.detailed;
    });
    if (listed == steps.end() || !step.detailed) continue;
    if (identity != "root" && std::any_of(step.actions.begin(), step.actions.end(), takes_root)) continue;
    listed->detailed = true;
    listed->changes = std::move(step.changes);
    listed->actions = std::move(step.actions);
    listed->before = std::move(step.before);
    listed->after = std::move(step.after);
  }
}

// Nothing if the identity has no record of the run: then it did nothing.
int print_recorded(const std::string& id, const std::string& offset, const std::string& given) try {
  std::size_t from = 0;
  std::from_chars(offset.data(), offset.data() + offset.size(), from);
  std::string why;
  const auto database =
      open_for_reading(effective_person().name, given, [&](const std::string& text) { why = text; });
  if (!database && !why.empty()) throw Error(why);
  Value::Array steps;
  if (database) {
    const RecordedRuns runs(*database);
    for (const RecordedRun& run : runs.all())
      if (run.id == id)
        for (const RecordedStep& step : runs.steps(run.number)) steps.push_back(to_value(step));
  }
  const std::string text = to_json(Value(std::move(steps)));
  const std::string part = text.substr(std::min(from, text.size()), part_size);
  std::fwrite(part.data(), 1, part.size(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
} catch (const Error& e) {
  fmt::print(stderr, "{}\n", printable_lines(e.what()));
  return 1;
}

}  // namespace mlops
