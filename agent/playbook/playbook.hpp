// A playbook as written: vars, plays and resources, checked as far as it can be without a machine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/diagnostic.hpp"
#include "model/value.hpp"
#include "playbook/module.hpp"

namespace mlops {

// One entry of `resources`, its {{ }} not yet filled in.
struct Resource {
  const Module* module = nullptr;
  std::string id;        // "" when none was given
  Value parameters;      // an object: what belongs to the module
  Value when, for_each;  // null when absent
  std::vector<std::string> tags, after, notify;  // after and notify: ids
  std::string as;        // "" when absent; may hold {{ }}
  Position as_where;
  Position where;        // of its opening brace
};

struct Play {
  std::string name;
  std::vector<std::string> on;  // "local" (only that yet)
  Value when;
  std::vector<Resource> resources;
  Position where;
};

struct Playbook {
  std::string name, path;   // path as given
  Value vars;               // an object after --vars and --set; values may hold {{ }}
  std::vector<Play> plays;
  std::vector<Value> show;  // texts to print after success
  std::vector<std::unique_ptr<Source>> sources;  // what all positions point into
};

struct LoadOptions {
  std::vector<std::string> vars_files;  // paths, in order
  std::vector<std::string> sets;        // "NAME=VALUE"; NAME may be a.b for a member
  std::string home;                     // the person's, for ~
};

// Reads and checks the file. Every mistake is reported; the playbook is usable only if there is none.
//
// Checked: syntax, duplicate keys, unknown and missing keys, types of all that needs no machine, unknown types and
// parameters, ids used twice, after and notify (which must name a later resource that can be notified), references
// ({{resources.X}} must name an earlier resource; vars, facts and roots must exist), cycles of vars, and two
// resources that own the same thing with different wishes, as far as their parameters are known without a machine.
Playbook load_playbook(const std::string& path, const LoadOptions& options, ModuleTable modules,
                       Diagnostics& diagnostics);

// The label of a resource with these filled-in parameters: "package[docker.io]"; `type[id]` when it has an id. key is
// what for_each adds ("" for none).
std::string label_of(const Resource& resource, const Value& parameters, const std::string& key = "");

// Adds mistakes for each pair of claims that conflict: owns/owns of the same key with different wishes, a tree that
// is owned absent over something in it, edits of the same subkey with different wishes.
struct ClaimHolder {
  std::string label;
  Position where;
  Claims claims;
};
void check_claims(const std::vector<ClaimHolder>& holders, Diagnostics& diagnostics);

}  // namespace mlops
