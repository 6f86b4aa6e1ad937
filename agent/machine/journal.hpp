// What is written down of a run before and after it acts. Every process that acts has a journal of its own identity.
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

namespace mlops {

struct ActingUser;

// The run, the same for all identities that take part.
struct RunHeader {
  std::string id;            // UUIDv7
  std::string kind;          // "apply", "undo", "prune"
  std::string playbook;      // as it was called
  std::string playbook_key;  // what tells it from others
  std::vector<std::string> former_keys = {};  // under which it was known before: what is recorded so becomes its own
  std::string starter;       // the user as whom it was started
  std::string undoes;        // the id of the run that an undo takes back; ""
  std::int64_t started = 0;  // microseconds since the epoch
};

// Names a step of a run, in the databases of all identities that took part in it.
struct StepName {
  std::string run;             // the run's id
  std::uint64_t sequence = 0;  // the step's place in it
  friend bool operator==(const StepName&, const StepName&) = default;
};

// What actions are for.
struct StepInfo {
  std::uint64_t sequence = 0;         // its place in the run, over all identities
  std::string resource, type;         // its label
  std::vector<std::string> notifies;  // ids
  std::vector<Change> changes;        // for people; what is sensitive is left out of what is kept
  std::vector<std::string> claims;    // what the resource owns or edits: "path /etc/motd"
  std::vector<StepName> heals;        // what was cut off, and is well once this is done
  bool makes = false;                 // nothing of the resource was there before
  StepName undoes = {};               // the step that it takes back; without a run: none
  bool recovery = false;  // it only clears away what an interrupted step left, which undo does not bring back
};

// Actions in order, and what they are for. The actions are borrowed.
struct Step {
  StepInfo purpose;
  std::span<const Action> actions;
};

// A step that an earlier run began and never ended.
struct CutOff {
  StepName name;
  std::string playbook_key;                   // of that run
  std::string resource, type, identity;       // its label; who acted
  std::vector<std::string> claims;            // as in Purpose
  // A program ran: what it left is not believed. Else its actions were whole or not at all, and can be seen.
  bool program = false;
  std::int64_t began = 0;  // microseconds since the epoch: the run
  bool restarted = false;  // the machine has started anew since: what was not synced may be lost
  bool failed = false;     // it ended, with a failure that leaves as much doubt as no end
  // Told only by the database of another user, whom nobody but that user has to believe: it counts only for resources
  // for which this identity acts. "": by the own database, or root's.
  std::string told_by = {};
};

// Whether these leave doubt where they fail, as where they are cut off: of a program that is not run again once it made
// something, which may be half of it.
bool leaves_doubt(std::span<const Action> actions);

// A run that never ended, though its process is gone.
struct CutOffRun {
  std::string id, kind, playbook;
  std::int64_t started = 0;          // microseconds since the epoch
  std::vector<std::string> resources;  // the labels of what was under way
};

// A resource of an earlier run that changed, and whom it notifies: not delivered yet.
struct PendingNotification {
  std::string target, source;  // an id; a label
};

// What earlier runs left for the next.
struct PriorRunState {
  std::vector<CutOffRun> runs;
  std::vector<CutOff> steps;                       // of all playbooks
  std::vector<PendingNotification> notifications;  // of the playbook that was asked for
  std::string ledger;  // the digest of what the ledger has for that playbook; "" where it is not known
};

// What a playbook made, or found as it wishes.
struct LedgerEntry {
  std::string resource, declared, type, identity;  // its label; the label before values were filled in
  enum class Came { found, changed, made } came = Came::found;  // in this run
  std::vector<std::string> claims;  // "owns path /etc/motd"
  std::string removal;  // the resource that takes it away, as JSON; "": there is none
  bool absent = false;  // it wishes an absence: what the ledger had of it is over
  const MachineReader* machine = nullptr;  // as the identity sees it; borrowed
};

class Journal {
 public:
  virtual ~Journal() = default;

  // The run that all that follows belongs to; what is there of earlier ones. Error where it cannot be kept: then nothing
  // may be done. Nothing is recorded of the run before it does something. With the run lock held.
  virtual PriorRunState open(const RunHeader& run) = 0;
  // Writes down what is about to be done, and what it replaces. Durable when it returns; Error: it may not be done.
  virtual void begin(std::span<const Step> steps) = 0;
  // The same of what another identity is about to do: only for whom, and whom that notifies.
  virtual void announce(std::span<const Step> steps, const std::string& identity) = 0;
  // The actions with the content that this journal keeps put in (RestorePath). Error where it is gone.
  virtual std::vector<Action> completed(std::span<const Action> actions) = 0;
  // How each went, absent: well. Durable with the next begin, or sooner. No Error: what is done is done; the
  // person is told.
  virtual void end(std::span<const Step> steps, std::span<const std::optional<Error>> errors) noexcept = 0;
  // What was cut off is as wished. Durable with the next begin or conclude.
  virtual void mark_recovered(std::span<const StepName> steps) = 0;
  // Nobody is notified any more of what was pending for the id. Durable with the next begin or conclude.
  virtual void delivered(const std::string& target) = 0;
  // What the playbook has made or found, and the digest of all of it, by which the next run sees that nothing is new
  // ("": only a part is given, and it is not known). Durable with conclude.
  virtual void account(std::vector<LedgerEntry> entries, const std::string& digest) = 0;
  // The run is over: "done", "failed", "interrupted", with an object of counts as JSON ("" where they are not known
  // here). Without it, it counts as cut off.
  virtual void conclude(const std::string& outcome, const std::string& counts) noexcept = 0;
};

// Gets a sentence for the person.
using TellPerson = std::function<void(const std::string&)>;

// Where identities keep their journals.
class Journals {
 public:
  virtual ~Journals() = default;
  // That of the identity as which this process acts. machine is read for what actions replace, and must outlive it.
  virtual std::unique_ptr<Journal> of(const ActingUser& who, uid_t person, const MachineReader& machine,
                                      TellPerson tell) const = 0;
  // Makes the place where that identity keeps its own, where it cannot do so itself: below --state. By root.
  virtual void make_place(const ActingUser& who) const = 0;
  // What earlier runs left. Changes nothing. Error where a newer program wrote it, or it is somebody else's.
  virtual PriorRunState earlier(const ActingUser& who, const std::string& playbook_key, const TellPerson& tell) const = 0;
};

struct JournalOptions {
  std::string folder;                    // --state: one for each identity is in it; "": each has its own place
  std::uint64_t keep_limit = 64u << 20;  // --keep-limit: what one action replaces is kept up to so many bytes
};

using MakeJournals = std::function<std::unique_ptr<Journals>(const JournalOptions&)>;

// Performs steps as a journal wants it: written down, done, ended. journal may be null. Errors are those of each step.
std::vector<std::optional<Error>> perform_steps(std::span<const Step> steps, Machine& machine, Journal* journal);

}  // namespace mlops
