// Records what a run does, before and after it acts. Each acting process keeps a journal for its own identity.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "domains/diff.hpp"
#include "machine/machine.hpp"
#include "model/claim.hpp"

namespace mlops {

struct ActingUser;

// The run, the same for all identities that take part.
struct RunHeader {
  std::string id;                             // UUIDv7
  std::string kind;                           // "apply", "undo", "prune"
  std::string playbook;                       // as given on the command line
  std::string playbook_key;                   // identifies the playbook
  std::vector<std::string> former_keys = {};  // earlier keys of the playbook: their records are adopted
  std::string starter;                        // the user who started it
  std::optional<std::string> undoes;          // the id of the run that an undo reverts
  std::int64_t started = 0;                   // microseconds since the epoch
};

// Identifies a step of a run, in the databases of all identities that took part in it.
struct StepName {
  std::string run;             // the run's id
  std::uint64_t sequence = 0;  // the step's place in the run
  friend bool operator==(const StepName&, const StepName&) = default;
};

// The resource and run that a step belongs to; journalled with it.
struct StepInfo {
  std::uint64_t sequence = 0;         // its place in the run, over all identities
  std::string resource, type;         // its label
  std::vector<std::string> notifies;  // ids
  std::vector<Change> changes;        // for people; sensitive values are not stored
  std::vector<ClaimedObject> claims;  // what the resource owns or edits
  std::vector<StepName> recovers;     // interrupted steps that this one recovers
  bool makes = false;                 // the resource did not exist before
  std::optional<StepName> undoes;     // the step that it reverts
  bool recovery = false;              // it only cleans up after an interrupted step; undo does not revert it
};

// Actions in order, with what they are for. The actions are borrowed.
struct Step {
  StepInfo purpose;
  std::span<const Action> actions;
};

// A step that an earlier run began and never ended.
struct InterruptedStep {
  StepName name;
  std::string playbook_key;              // of that run
  std::string resource, type, identity;  // its label; the user that it ran as
  std::vector<ClaimedObject> claims;     // as in StepInfo
  // A program ran, and its results are not trusted. Other actions are atomic, and their result can be
  // inspected.
  bool program = false;
  std::int64_t began = 0;  // microseconds since the epoch: the run
  bool restarted = false;  // the machine has rebooted since: unsynced data may be lost
  bool failed = false;     // it ended with a failure that leaves as much doubt as an interruption
  // Reported only by the database of another user, which only that user has to trust: it counts only for
  // resources that run as this identity. Absent: reported by the process's own database, or root's.
  std::optional<std::string> told_by = {};
};

// Whether a failure of these leaves as much doubt as an interruption: true for a program that does not run
// again once it has created something, which may be incomplete.
bool leaves_doubt(std::span<const Action> actions);

// A run that never ended, though its process is gone.
struct InterruptedRun {
  std::string id, kind, playbook;
  std::int64_t started = 0;            // microseconds since the epoch
  std::vector<std::string> resources;  // the labels of the interrupted resources
};

// A changed resource of an earlier run, and the target of its notification that was not delivered yet.
struct PendingNotification {
  std::string target, source;  // an id; a label
};

// What the ledger lists of a playbook.
struct ListedResources {
  std::uint64_t digest =
      0;  // of what a whole run created or found converged (PassResult::digest); all of it is listed
  bool more = false;  // there are further entries, which the playbook may no longer have
  friend bool operator==(const ListedResources&, const ListedResources&) = default;
};

// The state that earlier runs left for the next.
struct PriorRunState {
  std::vector<InterruptedRun> runs;
  std::vector<InterruptedStep> steps;              // of all playbooks
  std::vector<PendingNotification> notifications;  // of the requested playbook
  std::optional<ListedResources> listed;           // of that playbook; absent if it is not known
};

// A resource that a playbook created or found converged.
struct LedgerEntry {
  std::string resource, declared, type, identity;  // its label; the label before values were filled in
  enum class Came { found, changed, made } came = Came::found;  // in this run
  Claims claims;
  std::string removal;                     // the resource that removes it, as JSON; "": none
  bool absent = false;                     // its desired state is absence: its ledger entry is removed
  const MachineReader* machine = nullptr;  // as the identity sees it; borrowed
};

class Journal {
 public:
  virtual ~Journal() = default;

  // Opens the run that all later records belong to; returns the state of earlier ones. Error if it cannot be
  // recorded: then nothing may be done. Nothing is recorded of the run before it acts. Call with the run lock
  // held.
  virtual PriorRunState open(const RunHeader& run) = 0;
  // Records what is about to be done, and what it replaces. Durable when it returns; on Error it must not be
  // done.
  virtual void begin(std::span<const Step> steps) = 0;
  // The same for what another identity is about to do: records only the resource and its notifications.
  virtual void announce(std::span<const Step> steps, const std::string& identity) = 0;
  // The actions, with the content that this journal keeps filled in (RestorePath). Error if the content is
  // gone.
  virtual std::vector<Action> completed(std::span<const Action> actions) = 0;
  // The result of each action, absent on success. Durable with the next begin, or sooner. Never throws Error,
  // since the actions are done: problems are reported to the person.
  virtual void end(std::span<const Step> steps, std::span<const std::optional<Error>> errors) noexcept = 0;
  // Interrupted steps were found converged. Durable with the next begin or conclude.
  virtual void mark_recovered(std::span<const StepName> steps) = 0;
  // Drops the pending notifications of the id. Durable with the next begin or conclude.
  virtual void delivered(const std::string& target) = 0;
  // What the playbook has created or found, and the digest of all of it, by which the next run sees that
  // nothing is new (absent: only a part is listed, so it is not known). Durable with conclude.
  virtual void account(std::vector<LedgerEntry> entries, std::optional<std::uint64_t> digest) = 0;
  // The run is over: "done", "failed", "interrupted", with an object of counts as JSON ("" if they are not
  // known here). Without this call, the run counts as interrupted.
  virtual void conclude(const std::string& outcome, const std::string& counts) noexcept = 0;
};

// Reports a sentence to the person.
using TellPerson = std::function<void(const std::string&)>;

// Where identities keep their journals.
class Journals {
 public:
  virtual ~Journals() = default;
  // The journal of the identity that this process runs as. machine is read for what actions replace, and must
  // outlive the journal.
  virtual std::unique_ptr<Journal> of(const ActingUser& who, uid_t person, const MachineReader& machine,
                                      TellPerson tell) const = 0;
  // Creates the folder in which that identity keeps its journal, if it cannot do so itself: below --state.
  // Called as root.
  virtual void make_place(const ActingUser& who) const = 0;
  // The state that earlier runs left. Changes nothing. Error if a newer version wrote it, or another user owns
  // it.
  virtual PriorRunState earlier(const ActingUser& who, const std::string& playbook_key,
                                const TellPerson& tell) const = 0;
};

struct JournalOptions {
  // --state: contains one folder per identity; "": each uses its own default
  std::string folder;
  std::uint64_t keep_limit = 64u << 20;  // --keep-limit: bytes kept of what one action replaces
};

using MakeJournals = std::function<std::unique_ptr<Journals>(const JournalOptions&)>;

// Performs steps and journals them: begin, act, end. journal may be null. Returns the error of each step.
std::vector<std::optional<Error>> perform_steps(std::span<const Step> steps, Machine& machine,
                                                Journal* journal);

}  // namespace mlops
