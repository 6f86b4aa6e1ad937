// A playbook as written: vars, plays and resources, checked as far as possible without a machine.
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

// A file included by {"include": {"file", "vars"}}. Its resources see only its own vars, those that the include
// gives, and values of --vars and --set for these names.
struct Include {
  const Include* outer = nullptr;  // the include whose file contains this one; null: the playbook's
  std::string file;                // path as it is read
  // of the ids of its resources: "web-", preceded by those of the outer includes
  std::string prefix;
  Value vars;                       // an object; values may hold {{ }}
  std::vector<std::string> passed;  // the names of vars that the include gives: filled in with the outer vars
  Value when;                       // null if absent; evaluated in the outer scope
  Position where;
};

// How often a failed resource is retried, and the delay before each retry.
struct Retry {
  std::uint64_t times = 0, delay_ms = 0;
};

// One entry of `resources`, its {{ }} not yet filled in.
struct Resource {
  const Module* module = nullptr;
  std::string id;             // "" if none was given
  Value parameters;           // an object: the module's parameters
  bool needs_filling = true;  // false: parameters can be used as they are, without interpolate
  Value when, for_each;       // null if absent
  std::vector<std::string> tags, after, notify;  // after and notify: ids
  std::string as;                                // "" if absent; may contain {{ }}
  Position as_where;
  Position where;  // of its opening brace
  Position id_where;
  std::vector<Position> after_where, notify_where;  // one for each of after and notify
  // the file that contains it; null: the playbook. ids, after and notify include its prefix
  const Include* include = nullptr;
  Retry retry;
};

// A host of a play that earlier plays on local bring into being: it is reached once they are done.
struct AwaitedHost {
  std::string name;                // as in Play::on; if it is not known yet, the text that refers to it
  bool is_known = false;           // whether that is its name
  Value written;                   // a text with {{resources.ID.NAME}}; null if the name is known
  const Include* scope = nullptr;  // the file that contains the text; null: the playbook
  // The labels of the resources that name or introduce it, and of those that these refer to. The label of a
  // repeated resource stands for all of its instances.
  std::vector<std::string> made_by, needs;
  std::size_t last_maker = 0;  // the last play that contains one of made_by
};

struct Play {
  std::string name;
  // Hosts by name; may include "local", the controller. Empty: the hosts given on the command line, or local if
  // there are none.
  std::vector<std::string> on;
  // Those of `on` that have to be waited for. A host whose name is known is in the first play that names it.
  std::vector<AwaitedHost> awaited;
  Value on_written;                              // as written; null if absent
  const Include* on_include = nullptr;           // the file that contains it
  std::uint64_t reach_timeout_ms = 10 * 60'000;  // how long an awaited host may take to be reached
  Value when;
  std::vector<Resource> resources;
  Position where;
  const Include* include = nullptr;  // the file that contains the play; null: the playbook
};

// Whether it is known to run when its play runs: it is not after a `when`.
bool is_unconditional(const Resource& resource);

// A var whose value was replaced by --vars, --set or an include.
struct Replaced {
  enum class By { include, vars_file, set };
  By how = By::set;
  const Include* include = nullptr;  // the include whose var it is; null: the playbook's
  std::vector<std::string> path;     // without the root
  Position was, by;                  // was: without a source if there was none
};

// A text to print after success.
struct ShowText {
  Value text, when;                  // null if absent
  const Include* include = nullptr;  // the file that contains it; null: the playbook
};

struct Playbook {
  std::string name, path;  // path as given
  Value vars;              // an object after --vars and --set; values may contain {{ }}
  std::vector<Play> plays;
  std::vector<ShowText> show;
  const FileSource* files = nullptr;                              // where sources are read from; borrowed
  std::optional<std::map<std::string, std::string>> environment;  // replaces this process's, for `env`
  // On a target: variables that are set on the controller, and that only plays of other targets refer to. Their
  // values are Unknown.
  std::set<std::string> withheld;
  std::string ssh_config;                        // see PersonOf
  std::vector<std::unique_ptr<Source>> sources;  // all positions point into these
  std::vector<std::unique_ptr<Include>> includes;
  std::vector<Replaced> replaced;  // in the order of replacement
  std::shared_ptr<Secrets> secrets = std::make_shared<Secrets>();
};

struct LoadOptions {
  std::vector<std::string> vars_files;  // paths, in order
  std::vector<std::string> sets;        // "NAME=VALUE"; NAME may be a.b for a member
  std::string home;                     // the person's, for ~
  const FileSource* files = &files_on_disk();
  std::optional<std::map<std::string, std::string>> environment = {};  // see Playbook
  // On a target: see Playbook. Hosts of a play that are given by such a variable stay as written.
  std::set<std::string> withheld = {};
  std::string ssh_config = {};  // see PersonOf
};

// Reads and checks the file. Every mistake is reported; the playbook is usable only if there is none.
//
// Checked: syntax, duplicate keys, unknown and missing keys, types of everything that needs no machine, unknown
// types and parameters, ids used twice, after and notify (which must name a later resource that can be
// notified), references ({{resources.X}} must name an earlier resource; vars, facts and roots must exist),
// cycles of vars, and two resources that own the same object with different desired states, as far as their
// parameters are known without a machine.
Playbook load_playbook(const std::string& path, const LoadOptions& options, ModuleTable modules,
                       Diagnostics& diagnostics);

// A playbook of resources that are given as values, each an entry of `resources`; a {{ in them is plain text.
// name: stands for its path. Mistakes, also in the parameters, are reported as by load_playbook.
Playbook playbook_of(const std::string& name, Value::Array resources, const std::string& home,
                     ModuleTable modules, Diagnostics& diagnostics);

// The label of a resource with these filled-in parameters: "package[docker.io]"; `type[id]` if it has an id.
// key: the for_each key ("" for none).
std::string label_of(const Resource& resource, const Value& parameters, const std::string& key = "");

// The items of a filled-in for_each, as key and item. For a list, the item is the element and the key its text,
// or its index if it is secret, or neither a text nor a number; for an object, the item is {"key", "value"}.
// Another type of value and a duplicate key are reported.
std::vector<std::pair<std::string, Value>> expand_for_each(const Value& filled, Diagnostics& diagnostics);

// Adds mistakes for each pair of claims that conflict: owns/owns of the same key with different desired states,
// a tree that is owned with the state "absent" over something in it, edits of the same subkey with different
// states. States that are both "" are equal if the parameters of both holders are (and are of one type); a
// holder without parameters equals no other.
struct ClaimHolder {
  std::string label;
  Position where;
  Claims claims;
  const Value* parameters = nullptr;  // filled in; must live as long as the check
};
void check_claims(const std::vector<ClaimHolder>& holders, Diagnostics& diagnostics);

}  // namespace mlops
