// What a run tells while it goes on.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "model/change.hpp"

namespace mlops {

enum class Outcome { ok, changed, would_change, unknown, skipped, failed, not_converged };
inline constexpr std::size_t outcome_count = 7;
// "ok", "changed", "would_change", …
const char* to_text(Outcome outcome);

// A run began. mode is "plan" or "apply"; hosts are those that take part, "local" among them or not.
struct RunStarted {
  std::string playbook, mode;
  std::vector<std::string> hosts = {};
};

// What the run is about is known: told once, before the first resource that is shown. For the columns and the live line.
struct ResourcesKnown {
  std::uint64_t count = 0;               // of resources that will be told of
  std::string longest_label, longest_as;
  void add(const std::string& label, const std::string& as) {
    ++count;
    if (label.size() > longest_label.size()) longest_label = label;
    if (as.size() > longest_as.size()) longest_as = as;
  }
};

struct PlayStarted {
  std::string name, host;  // name "" when the play has none
  std::string skipped;     // the reason when its `when` does not match, else ""
};

// A resource is being looked at or changed; only for the live line. An empty label: none is any more, and the terminal
// may be somebody else's for a while (sudo asks for its password).
struct ResourceStarted {
  std::string label, host, as;
};

// What is being done takes time; only for the live line. total is 0 where it is not known.
struct ProgressMade {
  std::string label, host, doing;
  std::uint64_t done = 0, total = 0;  // bytes
};

// What the person is to know, beside how the resources are: that an earlier run was cut off, that the state database
// was damaged. host as in other events.
struct NoticeGiven {
  std::string host, text;
};

struct ResourceFinished {
  std::string label;  // "package[docker.io]", "file[motd]"
  std::string id;     // as given in the playbook, with [key] of a for_each; "" when none was given
  std::string type, host, as;
  Outcome outcome = Outcome::ok;
  std::vector<Change> changes;
  std::vector<std::string> maybe;  // not empty: the changes are needed unless one of these brings them
  double seconds = 0;
  std::string reason;  // why it was skipped, failed, or is unknown; "" else
  std::string output;  // the last lines that a failed program printed
  std::string note = {};  // what an earlier run has to do with it: "was cut off by an earlier run"; "" else
};

// A line to print after success. A secret one is for the person's eyes: no report that is kept has it.
struct ShownLine {
  std::string text;
  bool secret = false;
};

// How a host's part in a run ended.
struct HostFinished {
  std::string host;
  std::array<std::uint64_t, outcome_count> counts{};  // by Outcome
  std::string error;                                  // why it took no part, or no more; "" when all went its way
};

struct RunFinished {
  std::array<std::uint64_t, outcome_count> counts{};  // by Outcome, of all hosts
  double seconds = 0;
  bool interrupted = false;
  int exit_status = 0;
  std::vector<ShownLine> show;
  std::vector<HostFinished> hosts = {};
};

using Event =
    std::variant<RunStarted, ResourcesKnown, PlayStarted, ResourceStarted, ProgressMade, NoticeGiven, ResourceFinished, RunFinished>;
using EventSink = std::function<void(const Event&)>;

}  // namespace mlops
