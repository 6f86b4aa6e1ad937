// Earlier runs, as the databases of all identities that took part in them have them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "machine/host.hpp"
#include "state/recorded_runs.hpp"

namespace mlops {

// A run with what every identity did for it.
struct WholeRun {
  RecordedRun run;
  std::vector<RecordedStep> steps;             // in their order
  std::map<std::string, std::string> missing;  // identity -> why its part cannot be read
};

class RunRecords {
 public:
  // given: --state, "" for none. Where the database cannot be read, notice is told. NoSuchRun where this identity has
  // no state at all.
  RunRecords(std::string given, const std::function<void(const std::string&)>& notice);
  ~RunRecords();

  // Of the identity that this process acts as.
  const RecordedRuns& own() const { return *own_; }
  const std::string& self() const { return self_; }
  // The parts of other identities are asked for through the host, as they: root's, where sudo needs no password.
  WholeRun whole(const RecordedRun& run, Host& host) const;

 private:
  std::string given_, self_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<RecordedRuns> own_;
};

// `recorded RUN OFFSET [STATE]`: prints a part of what the database of this identity has of a run, for another process
// of this program. Returns the exit status.
int print_recorded(const std::string& id, const std::string& offset, const std::string& given);

}  // namespace mlops
