// What is said between the agent where the command was typed (near) and the agent on a host (far). Both are the same
// build: far is started from a copy of near's own files.
//
//   near: StartRun BeginPass RunPlay… EndPass        far: Happened… PlayEnded… PassEnded
//   near: Prepare BeginPass RunPlay… EndPass         far: Prepared Happened… PlayEnded… PassEnded
//   near: AskFacts or AskRecorded                    far: FactsTold or RecordedTold
//   near: StartUndo UndoPass…                        far: UndoRead Happened… UndoEnded
//   near: Prune                                      far: Happened… PruneEnded
//
// Requests need not wait for answers; far works them off in order. Where one goes wrong, far answers Failed and the
// run is over. In the midst of one, far may ask (PasswordWanted, FilesWanted), and near may say Stop.
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
#include "hosts/participant.hpp"
#include "resource/file_source.hpp"
#include "runs/saved_plan.hpp"
#include "state/recorded_runs.hpp"

namespace mlops {

// ---- near to far ----------------------------------------------------------------------------------------------

struct SentText {
  std::string path, text;  // path as near has it
};
// A file that the playbook is known to need. sha256 in hex; "" where it cannot be read.
struct SentDigest {
  std::string path;
  FileBeside file;  // without content
  std::string sha256;
};
// A plan that is kept: it is to be made, or held to.
struct PlanPart {
  bool keeps = false, holds = false;
  // Where it is held to.
  PlanPlace place;
  std::vector<PlannedResource> resources;
  std::vector<std::string> changed_sources;  // files of near that are no longer what they were
  bool all_or_nothing = false;
};
struct StartRun {
  std::string host;  // its name
  PartSettings settings;
  bool may_ask = false;  // somebody can be asked for sudo's password
  std::string playbook;  // path as near has it
  std::vector<SentText> texts;  // of the playbook and the --vars files
  std::vector<std::string> vars_files, sets;
  // What this host's own plays refer to.
  std::map<std::string, std::string> environment;
  std::vector<std::string> withheld;           // variables that only plays of other hosts refer to: without values
  std::map<std::string, std::string> secrets;  // here alone they travel
  std::vector<SentDigest> sources;             // the only files that it is given
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
// After the pass on what-if: what was planned, where it is kept.
struct AskPlan {};
struct Prune {
  PruneOrder order;
};
struct AskFacts {
  std::string path;  // "os.id"; "": all
};
// What is recorded there: all runs, and one in full unless run is "". As run_history has it.
struct AskRecorded {
  std::string run, state;
};
// What a run did is taken back: this run is read, then passes. As UndoTarget has them.
struct StartUndo {
  std::string host;  // its name
  std::string run, state;
  bool force = false, no_sudo = false;
  bool may_ask = false;  // as StartRun has it
  std::uint64_t wait_seconds = 0;
};
struct UndoPass {
  bool real = false;
};
// Answers to what far asked.
struct PasswordGiven {
  std::optional<std::string> password;
};
struct FilesGiven {
  std::vector<FileBeside> files;
};
struct Stop {};

using ToFar = std::variant<StartRun, BeginPass, RunPlay, EndPass, Prepare, AskPlan, Prune, AskFacts, AskRecorded, StartUndo, UndoPass, PasswordGiven, FilesGiven, Stop>;

// ---- far to near ----------------------------------------------------------------------------------------------

struct Happened {
  std::variant<PlayStarted, ResourceStarted, ProgressMade, ResourceFinished, NoticeGiven> event;
};
struct PlayEnded {
  GivenById resources;  // where near wants values
  Value facts;
};
// A Position as text; source "" where there is none.
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
  std::string host;                            // gethostname(2)
  std::vector<RecordedRun> runs;
  std::vector<RecordedRun> whole;              // the one that was asked for, or none
  std::vector<std::string> steps;              // of it, as to_value(RecordedStep) makes them, in JSON
  std::map<std::string, std::string> missing;  // as WholeRun has it
  std::string none;                            // there is no such run, or none at all: why
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

using ToNear = std::variant<Happened, PlayEnded, PassEnded, Prepared, PlanMade, PruneEnded, FactsTold, RecordedTold, UndoRead, UndoEnded,
                            PasswordWanted, FilesWanted, Failed>;

// Most bytes of one message.
inline constexpr std::uint32_t to_target_limit = 256u << 20, to_controller_limit = 64u << 20;

std::string encode(const ToFar& message);
std::string encode(const ToNear& message);
// Error where the bytes are no such message.
ToFar decode_to_target(std::string_view bytes);
ToNear decode_to_controller(std::string_view bytes);

}  // namespace mlops
