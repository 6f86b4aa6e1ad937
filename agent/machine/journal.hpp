// What is written down of a run before and after it acts. Every process that acts has a journal of its own identity.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "machine/commands/process.hpp"
#include "machine/machine.hpp"
#include "model/change.hpp"

namespace mlops {

// The run, the same for all identities that take part.
struct RunHeader {
  std::string id;            // UUIDv7
  std::string kind;          // "apply", "undo", "prune"
  std::string playbook;      // as it was called
  std::string playbook_key;  // what tells it from others
  std::string starter;       // the user as whom it was started
  std::string undoes;        // the id of the run that an undo takes back; ""
  std::int64_t started = 0;  // microseconds since the epoch
};

// What actions are for.
struct Purpose {
  std::uint64_t sequence = 0;         // its place in the run, over all identities
  std::string resource, type;         // its label
  std::vector<std::string> notifies;  // ids
  std::vector<Change> changes;        // for people; what is sensitive is left out of what is kept
};

// Actions in order, and what they are for. The actions are borrowed.
struct Step {
  Purpose purpose;
  std::span<const Action> actions;
};

class Journal {
 public:
  virtual ~Journal() = default;

  // The run that all that follows belongs to. Error where it cannot be kept: then nothing may be done.
  virtual void open(const RunHeader& run) = 0;
  // Writes down what is about to be done, and what it replaces. Durable when it returns; Error: it may not be done.
  virtual void begin(std::span<const Step> steps) = 0;
  // The same of what another identity is about to do: only for whom, and whom that notifies.
  virtual void announce(std::span<const Step> steps, const std::string& identity) = 0;
  // The actions with the content that this journal keeps put in (RestorePath). Error where it is gone.
  virtual std::vector<Action> completed(std::span<const Action> actions) = 0;
  // How each went, absent: well. Durable with the next begin, or sooner. No Error: what is done is done; the
  // person is told.
  virtual void end(std::span<const Step> steps, std::span<const std::optional<Error>> errors) noexcept = 0;
  // The run is over: "done", "failed", "interrupted", with an object of counts as JSON ("" where they are not known
  // here). Without it, it counts as cut off.
  virtual void conclude(const std::string& outcome, const std::string& counts) noexcept = 0;
};

// Makes the journal of the identity that this process acts as. machine is read for what actions replace, and must
// outlive it. notice gets sentences for the person. Empty: nothing is written down.
using JournalFactory = std::function<std::unique_ptr<Journal>(const ActingUser& who, uid_t person, const Machine& machine,
                                                              std::function<void(const std::string&)> notice)>;

// Performs steps as a journal wants it: written down, done, ended. journal may be null. Errors are those of each step.
std::vector<std::optional<Error>> perform_steps(std::span<const Step> steps, Machine& machine, Journal* journal);

}  // namespace mlops
