// A plan that is kept in a file, to be applied later: what it was made from, on which ground, and what it would do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "domains/diff.hpp"
#include "machine/read_recorder.hpp"
#include "model/event.hpp"
#include "resource/file_source.hpp"

namespace mlops {

// The machine, and who plans on it.
struct PlanPlace {
  std::string host;     // gethostname(2)
  std::string machine;  // a digest of machine-id(5), which is confidential; "" where there is none
  std::string caller;   // as whom the program was started
  std::string person;   // for whom the plan is
  friend bool operator==(const PlanPlace&, const PlanPlace&) = default;
};
PlanPlace this_place();

struct PlannedResource {
  std::string host = "local";  // its name in events
  std::size_t play = 0;
  std::string label, as;
  Outcome outcome = Outcome::ok;
  std::string reason;      // why it is skipped, failed or unknown
  std::string parameters;  // a digest of them, secrets left out; "" where they were not known
  std::string secrets;     // a keyed digest of the parameters with their secrets; "" where they hold none
  std::string actions;     // a digest of what would be done; "" for nothing
  std::string recovery;    // the same of what mends it first, where an earlier run was cut off
  Preconditions ground;           // what was looked at; where the parameters hold secrets, contents have keyed digests
  std::vector<Change> changes;
  std::vector<std::string> maybe;  // as in ResourceFinished
};

struct PlanFile {
  std::string version;    // of the program that made it
  std::int64_t made = 0;  // microseconds since the epoch
  PlanPlace place;
  std::string playbook;                      // its path, absolute
  std::map<std::string, std::string> texts;    // of the playbook, of what it includes, and of --vars files: by path
  std::map<std::string, std::string> sources;  // files beside it: path -> SHA-256; "" where one cannot be read
  std::vector<std::string> vars_files, sets;
  std::map<std::string, std::string> environment;  // what the playbook refers to
  std::vector<std::string> only, tags;
  std::string mirror;
  std::vector<std::string> hosts;           // --host and --hosts
  std::string ssh_config;                   // --ssh-config, absolute
  std::map<std::string, PlanPlace> places;  // of other machines that take part, by name
  std::vector<PlannedResource> resources;
};

// A file that is a plan, but not one to be applied here.
class PlanRefused : public Error {
 public:
  enum class Why { altered, other_place, other_version };
  PlanRefused(Why why, std::string message) : Error(std::move(message)), why_(why) {}
  Why why() const { return why_; }

 private:
  Why why_;
};

// Of this version. Mode 0600, as a whole or not at all. Error.
void write_plan(const std::string& path, const PlanFile& plan);
// Absent where the file is no plan, is refused by files, or cannot be read: a playbook then. PlanRefused where
// it was altered, or is of another version of the program.
std::optional<PlanFile> read_plan(const std::string& path, const FileSource& files = files_on_disk());
// PlanRefused where the plan was made on another machine, or by somebody else.
void check_place(const std::string& path, const PlanFile& plan, const PlanPlace& here);

// With *** in the place of what is secret.
Value masked(const Value& value);

// Digests as PlannedResource has them.
std::string digest_of_parameters(const Value& parameters);
std::string keyed_digest_of_parameters(const Value& parameters, const std::string& key);
std::string digest_of_actions(const std::vector<Action>& actions);

}  // namespace mlops
