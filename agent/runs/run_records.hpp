// Earlier runs, as the databases of all identities that took part in them have them.
#pragma once

#include <map>
#include <memory>
#include <set>
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
  std::set<std::string> withheld;  // of those, for want of the right to act as them, which may still be had
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
  // The details of other identities' steps are read by processes that run as them: root's, where sudo needs no password.
  // Which steps there are, for which resources, and who acted, this identity's own database alone says (add_details).
  WholeRun whole(const RecordedRun& run, Host& host) const;

 private:
  std::string given_, self_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<RecordedRuns> own_;
};

// Fills in the steps of the identity that are listed without details. told: what that identity's process says of the run,
// the list of to_value(RecordedStep). It may say anything, because that database is its user's: only changes, actions and
// what they replaced are taken from it, only for steps that are listed as that identity's, and of users other than root
// nothing that only root can do. All else that it says is ignored.
void add_details(std::vector<RecordedStep>& steps, const std::string& identity, const Value& told);

// `recorded RUN OFFSET [STATE]`: prints a part of what the database of this identity has of a run, for another process
// of this program. Returns the exit status.
int print_recorded(const std::string& id, const std::string& offset, const std::string& given);

}  // namespace mlops
