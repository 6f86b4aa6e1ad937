// What comes of one attempt at a resource, and how exceptions become such a result.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "domains/diff.hpp"
#include "engine/claims.hpp"
#include "machine/host.hpp"
#include "model/diagnostic.hpp"
#include "model/event.hpp"

namespace mlops {
namespace attempted {

struct Ok {};

struct Changed {
  std::vector<Change> changes;
  std::vector<std::string> maybe;  // as in ResourceFinished
};

struct Skipped {
  std::string reason;
  std::optional<std::string>
      cause;  // the label of the failed resource that it depends on, the first of a chain
};

struct Failed {
  std::string reason, output;         // as in ResourceFinished
  Outcome outcome = Outcome::failed;  // or not_converged
  std::vector<Change> changes;        // what it was to change
  std::vector<std::string> maybe;     // as in ResourceFinished
  std::optional<ErrorKind> kind;      // of the Error; absent if it was none
  std::optional<Diagnostic> mistake;  // in the playbook: another attempt would find it again
  bool pending = false;               // changes are needed all the same, though none are listed
  bool leaves_doubt = false;          // what it did is not trusted by another attempt
  bool dependents_go_on = false;      // they are planned as if it had not failed
};

// One write that waits to be performed together with adjacent ones.
struct Waiting {
  Diff diff;
  std::vector<std::string> maybe;
};

}  // namespace attempted

using AttemptResult = std::variant<attempted::Ok, attempted::Changed, attempted::Skipped, Unknown,
                                   attempted::Failed, attempted::Waiting>;

// The exception that is being handled, as a result. failures: earlier ones, to which it may be due. Rethrows
// what no resource throws.
AttemptResult result_of_exception(const Failures& failures);

// Does the work; an exception becomes the result.
template <class Work>
AttemptResult result_of(const Failures& failures, const Work& work) {
  try {
    return work();
  } catch (...) {
    return result_of_exception(failures);
  }
}

attempted::Failed failed_with(const Error& error);
// A failure that a pending package may resolve is not a failure yet: Unknown. Other results stay.
AttemptResult unless_awaited(AttemptResult result, const Host& host);
// A failure of what was to make these changes; other results, and what did not converge, stay.
AttemptResult with_changes(AttemptResult result, const std::vector<Change>& changes);
// The event of a resource that ended with this result, without what identifies the resource; acted: the outcome
// of what changed. result is none that waits.
ResourceFinished finished_event(AttemptResult result, Outcome acted);
// Whether another attempt may go better.
bool is_worth_retrying(const AttemptResult& result);

}  // namespace mlops
