#include "model/event.hpp"

namespace mlops {

const char* to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::changed:
      return "changed";
    case Outcome::would_change:
      return "would_change";
    case Outcome::unknown:
      return "unknown";
    case Outcome::skipped:
      return "skipped";
    case Outcome::failed:
      return "failed";
    case Outcome::not_converged:
      return "not_converged";
  }
  return "unknown";
}

}  // namespace mlops
