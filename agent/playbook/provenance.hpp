// Where the values of a resource come from: what `why` tells.
#pragma once

#include <string>
#include <vector>

#include "playbook/playbook.hpp"

namespace mlops {

// One step on the way of a value, from where it is used to where it was given. A value that refers to several names has
// the steps of each behind it, one level deeper.
struct ProvenanceStep {
  enum class Kind {
    written,      // the parameter itself, as it is written
    var,          // a var, as the playbook or the included file has it
    passed,       // a var that an include gives
    vars_file,    // a var that a file of --vars gives
    set,          // a var that --set gives
    replaced,     // what the step before it took the place of
    secret,       // declared there; text is ***
    fact,
    environment,  // of where the command is typed
    resource,     // what another resource gives
    host,         // what another machine gives
    item,         // of the resource's for_each
  };
  Kind kind = Kind::written;
  std::string name;       // as it is referred to: "vars.soft", "facts.os.id"; "" for what is written
  Position where;         // where the value was given; no source for what nobody wrote (facts, environment)
  std::string text;       // the value as written there, as JSON, its {{ }} not filled in; "" for what nobody wrote
  std::size_t depth = 0;  // 0: the parameter itself
};

struct ParameterProvenance {
  std::string parameter;  // "content"; also "when", "for_each" and "as"
  std::vector<ProvenanceStep> steps;
};

// Of all parameters that the resource was given, in the order in which they are written. Reads no secret, looks at no
// machine. A name whose value is not known here ({{resources.…}}, {{item}}) ends its way at the resource or the for_each.
std::vector<ParameterProvenance> provenance(const Playbook& playbook, const Resource& resource);

// A step as people read it: `vars.soft is "~/bin", given by --set:1:6`.
std::string to_text(const ProvenanceStep& step);

}  // namespace mlops
