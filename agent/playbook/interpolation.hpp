// {{ path | filter }} in texts.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/diagnostic.hpp"
#include "model/value.hpp"

namespace mlops {

// Where {{ }} takes its values from: the roots vars, facts, resources, hosts, env, secrets and item.
class Scope {
 public:
  virtual ~Scope() = default;
  // The value at a path such as {"facts", "os", "id"}; absent if there is no such name. Throws Unknown if it
  // depends on something that has not run yet, and SkippedReference if the resource that it names was skipped.
  virtual std::optional<Value> lookup(const std::vector<std::string>& path) const = 0;
  // Whether there is such a name. As lookup, but a scope may know that without knowing the value.
  virtual bool has(const std::vector<std::string>& path) const { return lookup(path).has_value(); }
  // The names that are valid after path (the roots for an empty one), for suggestions.
  virtual std::vector<std::string> names(const std::vector<std::string>& path) const = 0;
  // Called for each text that a filter made from a secret: it is secret too. Does nothing by default.
  virtual void hide(const std::string& derived) const { static_cast<void>(derived); }
};

// {{resources.X…}} where X was skipped; caught by the code that handles the referring resource.
struct SkippedReference {
  std::string label;  // of the skipped resource
  std::string cause;  // the root cause, if that was on another host; "" otherwise
};

// A mistake found while filling in: unknown name, unknown or misused filter, bad syntax.
struct InterpolationError {
  Diagnostic diagnostic;
};

// Whether any text in the value, at any depth, contains a {{ that is not an escaped {{{{.
bool has_references(const Value& value);
// Whether interpolate would change it: contains any {{ at all.
bool needs_filling(const Value& value);

// A copy with all {{ }} filled in. A text that is a single {{…}} becomes the value itself, of any type; in a
// longer text values become text (Value::to_text). Any text that contains a secret, through any filter, is
// secret. Throws InterpolationError, also if the copy would exceed the size or depth in model/bounds.hpp, and
// the scope's exceptions.
Value interpolate(const Value& value, const Scope& scope);

// Each reference's path in the value with its position, without looking anything up; mistakes of syntax and of
// filters are reported. A reference under the filter `default` is marked.
struct Reference {
  std::vector<std::string> path;
  Position where;
  bool has_default = false;
};
std::vector<Reference> references(const Value& value, Diagnostics& diagnostics);
// The same for many values of one source.
class Locator;
std::vector<Reference> references(const Value& value, Diagnostics& diagnostics, Locator& locator);

// The mistake that there is no such name in the scope, with the closest known one.
Diagnostic unknown_name(const std::vector<std::string>& path, Position where, const Scope& scope);

// The value at a path inside a value: members of objects by name, elements of lists by index. null if absent.
const Value* member_at(const Value& value, std::span<const std::string> path);
// The names of an object's members, the indices of a list; empty for other types.
std::vector<std::string> member_names(const Value& value);

}  // namespace mlops
