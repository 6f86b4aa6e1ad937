// The runs that `history` shows of a machine: this one, or one that is queried through its agent.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host_run/run_records.hpp"

namespace mlops {

class RemoteAgent;

struct RunHistory {
  std::string host;               // its name
  std::vector<RecordedRun> runs;  // the newest first
  std::optional<WholeRun> whole;  // of the requested run
};

// run: the beginning of an id, or "last"; "": none in full. state: --state. NoSuchRun, also if nothing is
// recorded; Error. notice is called with the reason why a database could not be read.
RunHistory run_history(const std::string& run, const std::string& state,
                       const std::function<void(const std::string&)>& notice);
// The same for the target.
RunHistory run_history(RemoteAgent& agent, const std::string& run, const std::string& state);

}  // namespace mlops
