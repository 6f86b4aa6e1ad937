// The match of a `when`.
#pragma once

#include <string>

#include "model/diagnostic.hpp"
#include "model/value.hpp"
#include "playbook/interpolation.hpp"

namespace mlops {

struct Verdict {
  bool matches = true;
  std::string reason;  // when it does not: "facts.os.id is debian, wanted ubuntu"
};

// Reports every mistake of form: unknown operators, a bad regular expression, wrong types.
void check_condition(const Value& when, Diagnostics& diagnostics);
// The paths that the condition looks up.
std::vector<Reference> condition_references(const Value& when, Diagnostics& diagnostics);
// Evaluates it: an object whose members must all match. A member is PATH: wanted, where wanted is a value, a list of
// values, or an object of operators (at_least, below, not, matches, exists); or any / all / none with a list of
// conditions. Throws InterpolationError for a mistake of form and an unknown name, and what the scope throws.
Verdict evaluate(const Value& when, const Scope& scope);

}  // namespace mlops
