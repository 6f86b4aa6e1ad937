// The events that a run emits.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/change.hpp"

namespace mlops {

enum class Outcome { ok, changed, would_change, unknown, skipped, failed, not_converged };
inline constexpr std::size_t outcome_count = 7;
// "ok", "changed", "would_change", …
const char* to_text(Outcome outcome);

// A run began. mode is "plan" or "apply"; hosts are the participants, "local" among them or not.
struct RunStarted {
  std::string playbook, mode;
  std::vector<std::string> hosts = {};
};

// The extent of the run is known: sent once, before the first resource that is shown. For the columns and the
// live line.
struct ResourcesKnown {
  std::uint64_t count = 0;  // of resources that will be reported
  std::string longest_label, longest_as;
  void add(const std::string& label, const std::string& as) {
    ++count;
    if (label.size() > longest_label.size()) longest_label = label;
    if (as.size() > longest_as.size()) longest_as = as;
  }
};

struct PlayStarted {
  std::string name, host;              // name: "" if the play has none
  std::optional<std::string> skipped;  // the reason, if its `when` does not match
};

// A resource is being inspected or changed; only for the live line.
struct ResourceStarted {
  std::string label, host, as;
};

// Another program may use the terminal for a while: sudo asks for its password. Only for the live line.
struct TerminalReleased {};

// Progress of a slow operation; only for the live line. total is 0 if it is not known.
struct ProgressMade {
  std::string label, host, doing;
  std::uint64_t done = 0, total = 0;  // bytes
  // While a host is awaited: how far it has come ("port 22"); doing is what was seen last. Programs are told
  // too.
  std::string stage = {};
};

// A notice to the person that is not about a resource's state: an earlier run was interrupted, the state
// database was damaged. host as in other events.
struct NoticeGiven {
  std::string host, text;
};

// Whose cloud account the run reads and changes: sent once for each, before the first resource that is shown.
struct AccountUsed {
  std::string account, arn;
  std::string credentials;  // "the credentials file of the profile work (/home/ada/.aws/credentials:3)"
  std::string region, region_source;  // "eu-central-1", "AWS_REGION"
  friend bool operator==(const AccountUsed&, const AccountUsed&) = default;
};

struct ResourceFinished {
  std::string label;  // "package[docker.io]", "file[motd]"
  std::string id;     // as given in the playbook, with [key] of a for_each; "" if none was given
  std::string type, host, as;
  Outcome outcome = Outcome::ok;
  std::vector<Change> changes;
  std::vector<std::string> maybe;  // not empty: the changes are needed unless one of these already makes them
  double seconds = 0;
  std::string reason;     // why it was skipped, failed, or is unknown; "" otherwise
  std::string output;     // the last lines of a failed program's output
  std::string note = {};  // its relation to an earlier run: "interrupted in an earlier run"; "" otherwise
};

// A line to print after success. A secret one is shown only to the person: no stored report contains it.
struct ShownLine {
  std::string text;
  bool secret = false;
};

// The result of a host's part in a run.
struct HostFinished {
  std::string host;
  std::array<std::uint64_t, outcome_count> counts{};  // by Outcome
  std::string error;                                  // why it took no part, or dropped out; "" on success
};

struct RunFinished {
  std::array<std::uint64_t, outcome_count> counts{};  // by Outcome, over all hosts
  double seconds = 0;
  bool interrupted = false;
  int exit_status = 0;
  std::vector<ShownLine> show;
  std::vector<HostFinished> hosts = {};
};

using Event = std::variant<RunStarted, ResourcesKnown, PlayStarted, ResourceStarted, TerminalReleased,
                           ProgressMade, NoticeGiven, AccountUsed, ResourceFinished, RunFinished>;
using EventSink = std::function<void(const Event&)>;

}  // namespace mlops
