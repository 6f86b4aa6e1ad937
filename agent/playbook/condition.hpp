// The condition of a `when`.
#pragma once

#include <string>

#include "model/diagnostic.hpp"
#include "model/value.hpp"
#include "playbook/interpolation.hpp"

namespace mlops {

struct Verdict {
  bool matches = true;
  std::string reason;  // if it does not match: "facts.os.id is debian, expected ubuntu"
};

// Reports every syntax mistake: unknown operators, a bad regular expression, wrong types.
void check_condition(const Value& when, Diagnostics& diagnostics);
// The paths that the condition looks up.
std::vector<Reference> condition_references(const Value& when, Diagnostics& diagnostics);
// Evaluates it: an object whose members must all match. A member is PATH: expected, where expected is a value,
// a list of values, or an object of operators (at_least, below, not, matches, exists); or any / all / none with
// a list of conditions. Throws InterpolationError for a syntax mistake and an unknown name, and the scope's
// exceptions.
Verdict evaluate(const Value& when, const Scope& scope);

}  // namespace mlops
