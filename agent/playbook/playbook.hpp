// A playbook as written: vars, plays and resources, checked as far as it can be without a machine.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/diagnostic.hpp"
#include "model/value.hpp"
#include "playbook/secrets.hpp"
#include "resource/file_source.hpp"
#include "resource/module.hpp"

namespace mlops {

// A file that was taken in by {"include": {"file", "vars"}}. Its resources see its own vars only, those that the
// include gives, and what --vars and --set have of these names.
struct Include {
  const Include* outer = nullptr;   // the include whose file this one stands in; null: the playbook's
  std::string file;                 // path as it is read
  std::string prefix;               // of the ids of its resources: "web-", with those of the outer ones before it
  Value vars;                       // an object; values may hold {{ }}
  std::vector<std::string> passed;  // the names of vars that the include gives: filled in with the outer vars
  Value when;                       // null when absent; of the outer scope
  Position where;
};

// How often a resource that failed is tried again, and after what time each.
struct Retry {
  std::uint64_t times = 0, delay_ms = 0;
};

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
  const Include* include = nullptr;  // the file it stands in; null: the playbook. ids, after and notify have its prefix
  Retry retry;
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

// Whether it is known to have its turn in a play that runs: no `when` stands before it.
bool is_unconditional(const Resource& resource);

// A var whose value was replaced by --vars, --set or an include.
struct Replaced {
  enum class By { include, vars_file, set };
  By how = By::set;
  const Include* include = nullptr;  // whose var; null: the playbook's
  std::vector<std::string> path;     // without the root
  Position was, by;                  // was: without a source where there was none
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
  const FileSource* files = nullptr;            // where sources are read from; borrowed
  std::optional<std::map<std::string, std::string>> environment;  // in the place of this process's, for `env`
  // On a target: variables that are set on the controller, and that only plays of other targets refer to. Unknown.
  std::set<std::string> withheld;
  std::string ssh_config;  // see PersonOf
  std::vector<std::unique_ptr<Source>> sources;  // what all positions point into
  std::vector<std::unique_ptr<Include>> includes;
  std::vector<Replaced> replaced;                // in the order in which it was done
  std::shared_ptr<Secrets> secrets = std::make_shared<Secrets>();
};

struct LoadOptions {
  std::vector<std::string> vars_files;  // paths, in order
  std::vector<std::string> sets;        // "NAME=VALUE"; NAME may be a.b for a member
  std::string home;                     // the person's, for ~
  const FileSource* files = &files_on_disk();
  std::optional<std::map<std::string, std::string>> environment = {};  // see Playbook
  // On a target: see Playbook. The hosts of a play that such a variable names stay as they are written.
  std::set<std::string> withheld = {};
  std::string ssh_config = {};  // see PersonOf
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
// text, or its index where it is secret, or neither a text nor a number; of an object, the item is {"key", "value"}.
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
