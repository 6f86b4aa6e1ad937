// Where the values of a resource come from, for `why`.
#pragma once

#include <string>
#include <vector>

#include "playbook/playbook.hpp"

namespace mlops {

// One step from a value's use to its origin. A value that refers to several names is followed by the steps of
// each, one level deeper.
struct ProvenanceStep {
  enum class Kind {
    written,    // the parameter itself, as written
    var,        // a var, as written in the playbook or the included file
    passed,     // a var that an include gives
    vars_file,  // a var that a file of --vars gives
    set,        // a var that --set gives
    replaced,   // the value that the previous step replaced
    secret,     // declared there; text is ***
    fact,
    environment,  // of the controller
    resource,     // an output of another resource
    host,         // a value of another host
    item,         // of the resource's for_each
  };
  Kind kind = Kind::written;
  std::string name;  // as it is referred to: "vars.soft", "facts.os.id"; "" for a written value
  // where the value was given; no source if it was not written anywhere (facts, environment)
  Position where;
  // the value as written there, as JSON, its {{ }} not filled in; "" if it was not written anywhere
  std::string text;
  std::size_t depth = 0;  // 0: the parameter itself
};

struct ParameterProvenance {
  std::string parameter;  // "content"; also "when", "for_each" and "as"
  std::vector<ProvenanceStep> steps;
};

// For all parameters that the resource was given, in the order in which they are written. Reads no secret,
// inspects no machine. A name whose value is not known here ({{resources.…}}, {{item}}) ends at the resource or
// the for_each.
std::vector<ParameterProvenance> provenance(const Playbook& playbook, const Resource& resource);

// A step as text: `vars.soft is "~/bin", given by --set:1:6`.
std::string to_text(const ProvenanceStep& step);

}  // namespace mlops
