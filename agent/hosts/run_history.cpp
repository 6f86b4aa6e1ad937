#include "hosts/run_history.hpp"

#include <unistd.h>

#include <array>

#include "base/person.hpp"
#include "hosts/remote_host.hpp"
#include "machine/this_host.hpp"
#include "state/json_value.hpp"

namespace mlops {

RunHistory run_history(const std::string& run, const std::string& state,
                       const std::function<void(const std::string&)>& notice) {
  RunHistory history;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) history.host = name.data();
  const RunRecords records(state, notice);
  history.runs = records.own().all();
  if (run.empty()) return history;
  const Cancellation cancellation;
  ThisHost host({.person = current_person()}, cancellation, {});
  history.whole = records.whole(records.own().find(run), host);
  return history;
}

RunHistory run_history(RemoteAgent& agent, const std::string& run, const std::string& state) {
  agent.say(AskRecorded{run, state});
  ToController answer = agent.hear();
  if (const auto* failed = std::get_if<Failed>(&answer)) throw Error(failed->what, failed->kind);
  auto* told = std::get_if<RecordedTold>(&answer);
  if (!told) throw Error("it answered what was not asked");
  if (!told->none.empty()) throw NoSuchRun(told->none);
  RunHistory history{told->host, std::move(told->runs), {}};
  if (!told->whole.empty()) {
    history.whole = WholeRun{std::move(told->whole.front()), {}, std::move(told->missing)};
    for (const std::string& step : told->steps) history.whole->steps.push_back(recorded_step(parse_kept(step)));
  }
  return history;
}

}  // namespace mlops
