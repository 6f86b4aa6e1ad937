// A playbook as written: vars, plays and resources, checked as far as it can be without a machine.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/diagnostic.hpp"
#include "model/value.hpp"
#include "playbook/files_beside.hpp"
#include "playbook/module.hpp"

namespace mlops {

// One entry of `resources`, its {{ }} not yet filled in.
struct Resource {
  const Module* module = nullptr;
  std::string id;             // "" when none was given
  Value parameters;           // an object: what belongs to the module
  bool needs_filling = true;  // false: parameters can be used as they are, without interpolate
  Value when, for_each;       // null when absent
  std::vector<std::string> tags, after, notify;  // after and notify: ids
  std::string as;                                // "" when absent; may hold {{ }}
  Position as_where;
  Position where;  // of its opening brace
  Position id_where;
  std::vector<Position> after_where, notify_where;  // one for each of after and notify
};

struct Play {
  std::string name;
  // Hosts by name, "local" among them or not: where the command was typed. Empty: the hosts that the command names,
  // or local where it names none.
  std::vector<std::string> on;
  Value on_written;  // as written; null when absent
  Value when;
  std::vector<Resource> resources;
  Position where;
};

// A text to print after success.
struct ShowText {
  Value text, when;  // when: null when absent
};

struct Playbook {
  std::string name, path;  // path as given
  Value vars;              // an object after --vars and --set; values may hold {{ }}
  std::vector<Play> plays;
  std::vector<ShowText> show;
  const FilesBeside* files = nullptr;            // where sources are read from; borrowed
  std::optional<std::map<std::string, std::string>> environment;  // in the place of this process's, for `env`
  std::vector<std::unique_ptr<Source>> sources;  // what all positions point into
};

struct LoadOptions {
  std::vector<std::string> vars_files;  // paths, in order
  std::vector<std::string> sets;        // "NAME=VALUE"; NAME may be a.b for a member
  std::string home;                     // the person's, for ~
  const FilesBeside* files = &files_on_disk();
  std::optional<std::map<std::string, std::string>> environment = {};  // see Playbook
};

// Reads and checks the file. Every mistake is reported; the playbook is usable only if there is none.
//
// Checked: syntax, duplicate keys, unknown and missing keys, types of all that needs no machine, unknown types
// and parameters, ids used twice, after and notify (which must name a later resource that can be notified),
// references
// ({{resources.X}} must name an earlier resource; vars, facts and roots must exist), cycles of vars, and two
// resources that own the same thing with different wishes, as far as their parameters are known without a
// machine.
Playbook load_playbook(const std::string& path, const LoadOptions& options, ModuleTable modules,
                       Diagnostics& diagnostics);

// The label of a resource with these filled-in parameters: "package[docker.io]"; `type[id]` when it has an id.
// key is what for_each adds ("" for none).
std::string label_of(const Resource& resource, const Value& parameters, const std::string& key = "");

// What a filled-in for_each repeats over, as key and item. Of a list, the item is the element and the key its
// text, or its index where it is neither a text nor a number; of an object, the item is {"key", "value"}.
// Another kind of value and a key that comes twice are reported.
std::vector<std::pair<std::string, Value>> expand_for_each(const Value& filled, Diagnostics& diagnostics);

// Adds mistakes for each pair of claims that conflict: owns/owns of the same key with different wishes, a tree
// that is owned with the wish "absent" over something in it, edits of the same subkey with different wishes.
// Wishes that are both "" are equal when the parameters of both holders are (and are of one type); a holder
// without parameters equals nobody.
struct ClaimHolder {
  std::string label;
  Position where;
  Claims claims;
  const Value* parameters = nullptr;  // filled in; must live as long as the check
};
void check_claims(const std::vector<ClaimHolder>& holders, Diagnostics& diagnostics);

}  // namespace mlops
