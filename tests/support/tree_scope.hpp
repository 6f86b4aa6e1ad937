// A scope whose names are a value's members, and JSON texts as values with positions.
#pragma once

#include <deque>
#include <stdexcept>

#include "model/document.hpp"
#include "playbook/interpolation.hpp"

namespace mlops::test {

struct TreeScope : Scope {
  Value root;
  std::string skipped;  // resources.SKIPPED was skipped
  explicit TreeScope(Value r) : root(std::move(r)) {}
  std::optional<Value> lookup(const std::vector<std::string>& path) const override {
    if (path.size() > 1 && path[0] == "resources" && path[1] == skipped) throw SkippedReference{skipped};
    const Value* found = member_at(root, path);
    return found ? std::optional(*found) : std::nullopt;
  }
  std::vector<std::string> names(const std::vector<std::string>& path) const override {
    const Value* found = member_at(root, path);
    return found ? member_names(*found) : std::vector<std::string>{};
  }
};

// Keeps the sources of what it parses.
class Texts {
 public:
  Value operator()(std::string json) {
    const Source& source = sources_.emplace_back(Source{"test.json", std::move(json)});
    Diagnostics diagnostics;
    const auto value = parse_document(source, diagnostics);
    if (!value || !diagnostics.empty()) throw std::runtime_error("bad JSON in a test: " + source.text);
    return *value;
  }

 private:
  std::deque<Source> sources_;
};

inline std::string all_text(Diagnostics& diagnostics) {
  diagnostics.sort();
  std::string all;
  for (const Diagnostic& d : diagnostics.list()) all += to_text(d);
  return all;
}

}  // namespace mlops::test
