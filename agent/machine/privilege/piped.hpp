// A machine at the other end of a pipe: this same program as a helper with other rights.
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
  std::string user;                // who the helper acts as
  std::string caller;              // who this process acts as
  std::vector<std::string> sudo;   // what the helper is started through: {"sudo", "-n"}; {}: directly, by root
  std::string person;              // for whom the run is
  std::string mirror;
  std::optional<std::string> password = {};  // for sudo, which then reads it from its input
  JournalOptions journal = {};               // of the helper's
  TellPerson tell = {};                      // gets what the helper's journal has to say; may be empty
};

// Whether sudo takes this password. Error privilege, with sudo's own words, when it refuses for another reason.
bool sudo_accepts(const std::string& password, const HelperSettings& settings);

// Starts the helper and waits until it answers. Error privilege, with sudo's own words, when it may not run. The
// helper ends when this is destroyed. Cancellation is passed on to it; what it then does ends as it would here. Errors
// arrive as they were thrown there, of the same kind; a helper that ends by itself is an Error that says how.
//
// The protocol, both ends of it in piped.cpp: frames of a 32-bit length and that many bytes (at most 256 MiB), a
// request then its replies; progress comes before the reply that ends a request.
class HelperMachine : public Machine {
 public:
  // Takes the lock on runs as this identity (machine/run_lock.hpp); held until the helper ends. Error with the
  // holder's description.
  virtual void lock(const std::string& playbook, std::chrono::milliseconds wait) = 0;
  // Opens the journal of this identity, which the helper keeps, for the run. Errors of Journal::open.
  virtual PriorRunState open_journal(const RunHeader& run) = 0;
  // As perform_steps; written down in that journal once it is open.
  virtual std::vector<std::optional<Error>> perform_steps(std::span<const Step> steps) = 0;
  virtual void mark_recovered(const std::vector<StepName>& steps) = 0;
  virtual void conclude(const std::string& outcome) = 0;
};
std::unique_ptr<HelperMachine> start_helper(const HelperSettings& settings, const Cancellation& cancellation,
                                            ProgressSink progress);

// The helper's side: answers requests from stdin on stdout until the end of input, or until what is no request. What
// runs then ends as it would on a signal: a file is written whole, dpkg finishes, a command is ended. Drops its rights to the user's first when it runs as root. Returns the exit status.
int serve_helper(const std::string& user, const std::string& person, const MakeJournals& journals);

}  // namespace mlops
