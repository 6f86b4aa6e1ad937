// What `history` tells of a machine: this one, or one that is asked through the agent there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runs/run_records.hpp"

namespace mlops {

class RemoteAgent;

struct RunHistory {
  std::string host;               // its name
  std::vector<RecordedRun> runs;  // the newest first
  std::optional<WholeRun> whole;  // of the run that was asked for
};

// run: the beginning of an id, or "last"; "": none in full. state: --state. NoSuchRun, also where nothing is recorded;
// Error. notice is told what keeps a database from being read.
RunHistory run_history(const std::string& run, const std::string& state,
                       const std::function<void(const std::string&)>& notice);
// The same of the host that was reached.
RunHistory run_history(RemoteAgent& agent, const std::string& run, const std::string& state);

}  // namespace mlops
