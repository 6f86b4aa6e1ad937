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
  // The value at a path such as {"facts", "os", "id"}; absent when there is no such name. Throws Unknown where it
  // depends on what has not run yet, and SkippedReference where the resource that it names was skipped.
  virtual std::optional<Value> lookup(const std::vector<std::string>& path) const = 0;
  // The names that could stand after path (the roots for an empty one), to suggest from.
  virtual std::vector<std::string> names(const std::vector<std::string>& path) const = 0;
  // Told of each text that a filter made of a secret: it gives the secret away as well. Nothing by default.
  virtual void hide(const std::string& derived) const { static_cast<void>(derived); }
};

// {{resources.X…}} where X was skipped; caught by whoever handles the resource that refers.
struct SkippedReference {
  std::string label;  // of the skipped resource
  std::string cause;  // what failed, where that was on another host; "" else
};

// A mistake found while filling in: unknown name, unknown or misused filter, bad syntax.
struct InterpolationError {
  Diagnostic diagnostic;
};

// Whether any text in the value, at any depth, has a {{ that is no {{{{.
bool has_references(const Value& value);
// Whether interpolate would change it: any {{ at all.
bool needs_filling(const Value& value);

// A copy with all {{ }} filled in. A text that is a single {{…}} becomes the value itself, of whatever kind; in a
// longer text values become text (Value::to_text). What a secret went into, by whatever filter, is secret. Throws
// InterpolationError, also where the copy would be larger or nested deeper than model/bounds.hpp has it, and what
// the scope throws.
Value interpolate(const Value& value, const Scope& scope);

// Each reference's path in the value with its position, without looking anything up; mistakes of syntax and of
// filters are reported. A reference under the filter `default` says so.
struct Reference {
  std::vector<std::string> path;
  Position where;
  bool has_default = false;
};
std::vector<Reference> references(const Value& value, Diagnostics& diagnostics);
// The same for many values of one source.
class Locator;
std::vector<Reference> references(const Value& value, Diagnostics& diagnostics, Locator& locator);

// The mistake that there is no such name in the scope, with the nearest one.
Diagnostic unknown_name(const std::vector<std::string>& path, Position where, const Scope& scope);

// What stands at a path inside a value: members of objects by name, elements of lists by index. null when absent.
const Value* member_at(const Value& value, std::span<const std::string> path);
// The names of an object's members, the indices of a list; none for another kind.
std::vector<std::string> member_names(const Value& value);

}  // namespace mlops
