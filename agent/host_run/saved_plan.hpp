// A plan saved in a file, to be applied later: its inputs, the machine state that it was made from, and its
// actions.
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

// The machine, and the user who plans on it.
struct PlanPlace {
  std::string host;     // gethostname(2)
  std::string machine;  // a digest of machine-id(5), which is confidential; "" if there is none
  std::string caller;   // the user who started the program
  std::string person;   // the person that the plan is for
  friend bool operator==(const PlanPlace&, const PlanPlace&) = default;
};
PlanPlace this_place();

struct PlannedResource {
  std::string host = "local";  // its name in events
  std::size_t play = 0;
  std::string label, as;
  Outcome outcome = Outcome::ok;
  std::string reason;      // why it is skipped, failed or unknown
  std::string parameters;  // a digest of them, without secrets; "" if they were not known
  std::string secrets;     // a keyed digest of the parameters with their secrets; "" if they have none
  std::string actions;     // a digest of the planned actions; "" for none
  std::string recovery;    // the same for the recovery actions that come first, after an interrupted run
  // everything that was read; if the parameters contain secrets, contents have keyed digests
  Preconditions preconditions;
  std::vector<Change> changes;
  std::vector<std::string> maybe;  // as in ResourceFinished
};

struct PlanFile {
  std::string version;    // of the program that made it
  std::int64_t made = 0;  // microseconds since the epoch
  PlanPlace place;
  std::string playbook;                        // its path, absolute
  std::map<std::string, std::string> texts;    // of the playbook, its includes, and --vars files: by path
  std::map<std::string, std::string> sources;  // files beside it: path -> SHA-256; "" if one cannot be read
  std::vector<std::string> vars_files, sets;
  std::map<std::string, std::string> environment;  // the variables that the playbook refers to
  std::vector<std::string> only, tags;
  std::string mirror;
  std::vector<std::string> hosts;           // --host and --hosts
  std::string ssh_config;                   // --ssh-config, absolute
  std::map<std::string, PlanPlace> places;  // of participating targets, by name
  std::vector<PlannedResource> resources;
};

// A file that is a plan, but cannot be applied here.
class PlanRefused : public Error {
 public:
  enum class Why { altered, other_place, other_version };
  PlanRefused(Why why, std::string message) : Error(std::move(message)), why_(why) {}
  Why why() const { return why_; }

 private:
  Why why_;
};

// In this version's format. Mode 0600, written atomically. Error.
void write_plan(const std::string& path, const PlanFile& plan);
// Absent if the file is no plan, is refused by files, or cannot be read: then it is treated as a playbook.
// PlanRefused if it was altered, or was made by another version of the program.
std::optional<PlanFile> read_plan(const std::string& path, const FileSource& files = files_on_disk());
// PlanRefused if the plan was made on another machine, or by another user.
void check_place(const std::string& path, const PlanFile& plan, const PlanPlace& here);

// With secrets masked as ***.
Value masked(const Value& value);

// Digests as in PlannedResource.
std::string digest_of_parameters(const Value& parameters);
std::string keyed_digest_of_parameters(const Value& parameters, const std::string& key);
std::string digest_of_actions(const std::vector<Action>& actions);

}  // namespace mlops
