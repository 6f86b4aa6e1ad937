// The values of a run: fills in resources, and keeps what they provide for later ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/instance.hpp"
#include "engine/run_scope.hpp"
#include "playbook/scopes.hpp"

namespace mlops {

// All functions that evaluate throw what interpolate does: InterpolationError, SkippedReference, Unknown,
// Error.
class RunValues {
 public:
  // All must outlive it.
  RunValues(const Playbook& playbook, const Facts& facts, const Person& person);

  // Why a play is not run; absent: it is.
  std::optional<std::string> mismatch(const Play& play) const;
  // Why the files that include the resource are not active; absent: they are.
  std::optional<std::string> excluded(const Resource& resource) const;
  // Why the element's own `when` does not match; absent: it does.
  std::optional<std::string> mismatch(const Element& element);
  // The resource itself, or each element of its for_each.
  std::vector<Element> elements(std::size_t play, const Resource& resource) const;
  // With all values filled in, decoded; the user that it runs as is not decided yet.
  Instance fill(const Element& element);

  // Keeps outputs; those that contain a secret are marked.
  void give(const Instance& instance, Outputs outputs);
  RunScope& scope() { return run_scope_; }
  const RunScope& scope() const { return run_scope_; }

 private:
  std::string filled_as(const Resource& resource) const;

  const Playbook& playbook_;
  const Person& person_;
  RunScope run_scope_;
  Scopes scopes_;
};

}  // namespace mlops
