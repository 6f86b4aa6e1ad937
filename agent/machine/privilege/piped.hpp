// A machine at the other end of a pipe: this same program as a helper with other privileges.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "machine/journal.hpp"
#include "machine/local.hpp"
#include "machine/machine.hpp"

namespace mlops {

struct HelperSettings {
  std::string user;    // the user that the helper runs as
  std::string caller;  // the user that this process runs as
  // the command that starts the helper: {"sudo", "-n"}; {}: started directly, by root
  std::vector<std::string> sudo;
  std::string person;  // the person that the run is for
  std::string mirror;
  std::optional<std::string> password = {};  // for sudo, which then reads it from its input
  JournalOptions journal = {};               // of the helper's journal
  TellPerson tell = {};                      // receives messages of the helper's journal; may be empty
};

// Whether sudo accepts this password. Error privilege, with sudo's own message, if it refuses for another
// reason.
bool sudo_accepts(const std::string& password, const HelperSettings& settings);

// Starts the helper and waits until it answers. Error privilege, with sudo's own message, if it may not run.
// The helper ends when this is destroyed. Cancellation is passed on to it, with the same effect as here. Errors
// arrive with the kind and text that they were thrown with; an unexpected exit of the helper is an Error that
// says how.
//
// The protocol, both ends of it in piped.cpp: frames of a 32-bit length and that many bytes (at most 256 MiB),
// a request then its replies; progress comes before the reply that ends a request.
class HelperMachine : public Machine {
 public:
  // Takes the run lock as this identity (machine/run_lock.hpp); held until the helper ends. Error with the
  // holder's description.
  virtual void lock(const std::string& playbook, std::chrono::milliseconds wait) = 0;
  // Opens the journal of this identity, which the helper keeps, for the run. Errors of Journal::open.
  virtual PriorRunState open_journal(const RunHeader& run) = 0;
  // As perform_steps; journalled once the journal is open.
  virtual std::vector<std::optional<Error>> perform_steps(std::span<const Step> steps) = 0;
  virtual void mark_recovered(const std::vector<StepName>& steps) = 0;
  virtual void conclude(const std::string& outcome) = 0;
};
std::unique_ptr<HelperMachine> start_helper(const HelperSettings& settings, const Cancellation& cancellation,
                                            ProgressSink progress);

// The helper's side: answers requests from stdin on stdout until the end of input, or an invalid request.
// Running work then ends as on a signal: a file write completes, dpkg finishes, a command is terminated. When
// started as root, drops privileges to the user's first. Returns the exit status.
int serve_helper(const std::string& user, const std::string& person, const MakeJournals& journals);

}  // namespace mlops
