// The protocol between the agent on the controller and the agent on a target. Both are the
// same build: the target's is started from a copy of the controller's own files.
//
//   controller: StartRun BeginPass RunPlay… EndPass     target: Happened… PlayEnded… PassEnded
//   controller: Prepare BeginPass RunPlay… EndPass      target: Prepared Happened… PlayEnded… PassEnded
//   controller: AskFacts or AskRecorded                 target: FactsTold or RecordedTold
//   controller: StartUndo UndoPass…                     target: UndoRead Happened… UndoEnded
//   controller: Prune                                   target: Happened… PruneEnded
//
// Requests need not wait for answers; the target processes them in order. If one fails, the target answers
// Failed and the run is over. During a request, the target may ask (PasswordWanted, FilesWanted), and the
// controller may send Stop.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "host_run/saved_plan.hpp"
#include "hosts/participant.hpp"
#include "resource/file_source.hpp"
#include "state/recorded_runs.hpp"

namespace mlops {

// ---- controller to target -----------------------------------------------------------------------------------

struct SentText {
  std::string path, text;  // path as on the controller
};
// A file that the playbook is known to need. sha256 in hex; "" if it cannot be read.
struct SentDigest {
  std::string path;
  FileBeside file;  // without content
  std::string sha256;
};
// A plan to be saved, or enforced.
struct PlanPart {
  bool keeps = false, holds = false;
  // If it is enforced.
  PlanPlace place;
  std::vector<PlannedResource> resources;
  std::vector<std::string> changed_sources;  // files on the controller that have changed since
  bool all_or_nothing = false;
};
struct StartRun {
  std::string host;  // its name
  PartSettings settings;
  bool may_ask = false;         // somebody can be asked for sudo's password
  std::string playbook;         // path as on the controller
  std::vector<SentText> texts;  // of the playbook and the --vars files
  std::vector<std::string> vars_files, sets;
  // What this host's own plays refer to.
  std::map<std::string, std::string> environment;
  // variables that only plays of other hosts refer to: without values
  std::vector<std::string> withheld;
  std::map<std::string, std::string> secrets;  // the only message that carries secrets
  std::vector<SentDigest> sources;             // the only files that the target may request
  PlanPart plan;
};
struct BeginPass {
  bool real = false;
  std::vector<std::uint64_t> plays;
};
struct RunPlay {
  std::uint64_t index = 0;
  std::vector<HostValues> others;
};
struct EndPass {};
struct Prepare {};
// After the simulation: the plan, if it is saved.
struct AskPlan {};
struct Prune {
  PruneOrder order;
};
struct AskFacts {
  std::string path;  // "os.id"; "": all
};
// The runs recorded on the target: all of them, and one in full unless run is "". As in run_history.
struct AskRecorded {
  std::string run, state;
};
// Undo of a run: the run is read first, then the passes. As in UndoTarget.
struct StartUndo {
  std::string host;  // its name
  std::string run, state;
  bool force = false, no_sudo = false;
  bool may_ask = false;  // as in StartRun
  std::uint64_t wait_seconds = 0;
};
struct UndoPass {
  bool real = false;
};
// Answers to the target's questions.
struct PasswordGiven {
  std::optional<std::string> password;
};
struct FilesGiven {
  std::vector<FileBeside> files;
};
struct Stop {};

using ToTarget = std::variant<StartRun, BeginPass, RunPlay, EndPass, Prepare, AskPlan, Prune, AskFacts,
                              AskRecorded, StartUndo, UndoPass, PasswordGiven, FilesGiven, Stop>;

// ---- target to controller -----------------------------------------------------------------------------------

struct Happened {
  std::variant<PlayStarted, ResourceStarted, ProgressMade, ResourceFinished, NoticeGiven> event;
};
struct PlayEnded {
  GivenById resources;  // if the controller needs values
  Value facts;
};
// A Position as text; source "" if there is none.
struct SentPosition {
  std::string source;
  std::uint32_t line = 0, column = 0;
};
struct SentDiagnostic {
  SentPosition where;
  std::string message, hint;
  SentPosition related;
  std::string related_message;
};
struct SentPending {
  std::string user, label;
};
struct PassEnded {
  std::array<std::uint64_t, outcome_count> counts{};
  bool interrupted = false;
  std::vector<SentDiagnostic> mistakes;
  std::vector<SentPending> pending;
};
struct Prepared {};
struct PlanMade {
  PlanPlace place;
  std::vector<PlannedResource> resources;
};
struct PruneEnded {
  PruneResult result;
};
struct FactsTold {
  std::optional<Value> facts;  // absent: there is no such fact
};
struct RecordedTold {
  std::string host;  // gethostname(2)
  std::vector<RecordedRun> runs;
  std::vector<RecordedRun> whole;              // the requested one, or none
  std::vector<std::string> steps;              // its steps, as to_value(RecordedStep) makes them, in JSON
  std::map<std::string, std::string> missing;  // as in WholeRun
  std::string none;                            // why there is no such run, or none at all
};
struct UndoRead {
  RecordedRun run;
  std::vector<std::string> stays, resumes;
  std::string none;  // as above
};
struct UndoEnded {
  std::array<std::uint64_t, outcome_count> counts{};
  bool interrupted = false;
};
struct PasswordWanted {
  bool again = false;
};
struct FilesWanted {
  std::vector<std::string> paths;
};
struct Failed {
  ErrorKind kind = ErrorKind::other;
  std::string what;
};

using ToController = std::variant<Happened, PlayEnded, PassEnded, Prepared, PlanMade, PruneEnded, FactsTold,
                                  RecordedTold, UndoRead, UndoEnded, PasswordWanted, FilesWanted, Failed>;

// The size limit of a message, in bytes.
inline constexpr std::uint32_t to_target_limit = 256u << 20, to_controller_limit = 64u << 20;

std::string encode(const ToTarget& message);
std::string encode(const ToController& message);
// Error if the bytes are not a valid message.
ToTarget decode_to_target(std::string_view bytes);
ToController decode_to_controller(std::string_view bytes);

}  // namespace mlops
