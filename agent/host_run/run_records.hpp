// Earlier runs, read from the databases of all identities that took part in them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "machine/host.hpp"
#include "state/recorded_runs.hpp"

namespace mlops {

// A run with the steps of every identity.
struct WholeRun {
  RecordedRun run;
  std::vector<RecordedStep> steps;             // in order
  std::map<std::string, std::string> missing;  // identity -> why its part cannot be read
  // those that are missing only for lack of privilege to run as them, which may still be obtained
  std::set<std::string> withheld;
};

class RunRecords {
 public:
  // given: --state, "" for none. If the database cannot be read, notice is called. NoSuchRun if this identity
  // has no state at all.
  RunRecords(std::string given, const std::function<void(const std::string&)>& notice);
  ~RunRecords();

  // Of the identity that this process runs as.
  const RecordedRuns& own() const { return *own_; }
  const std::string& self() const { return self_; }
  // The details of other identities' steps are read by processes that run as them: root's, if sudo needs no
  // password. The list of steps, their resources and identities are taken only from this identity's own
  // database (add_details).
  WholeRun whole(const RecordedRun& run, Host& host) const;

 private:
  std::string given_, self_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<RecordedRuns> own_;
};

// Fills in the steps of the identity that are listed without details. told: the report of that identity's
// process, the list of to_value(RecordedStep). It is not trusted, because that database is writable by its
// user: only changes, actions and what they replaced are taken from it, only for steps that are listed as that
// identity's, and for users other than root no action that needs root. Everything else in it is ignored.
void add_details(std::vector<RecordedStep>& steps, const std::string& identity, const Value& told);

// `recorded RUN OFFSET [STATE]`: prints a part of this identity's records of a run, for another process of this
// program. Returns the exit status.
int print_recorded(const std::string& id, const std::string& offset, const std::string& given);

}  // namespace mlops
