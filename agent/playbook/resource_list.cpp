#include "playbook/resource_list.hpp"

#include <fmt/format.h>

#include "playbook/include_reader.hpp"
#include "playbook/resource_shape.hpp"

namespace mlops {

void ResourceList::read(Value& list, const Within& within, Play& into) {
  if (!list.is_array()) {
    must_be(list, "resources", "a list of objects", diagnostics_);
    return;
  }
  into.resources.reserve(into.resources.size() + list.as_array().size());
  for (Value& entry : list.as_array()) {
    if (entry.find("include")) {
      take_in(entry, within, into);
      continue;
    }
    Resource resource = read_resource(std::move(entry), modules_, diagnostics_);
    if (within.include) {
      const std::string& prefix = within.include->prefix;
      if (!resource.id.empty()) resource.id.insert(0, prefix);
      for (auto* ids : {&resource.after, &resource.notify})
        for (std::string& id : *ids) id.insert(0, prefix);
      resource.include = within.include;
      resource.tags.insert(resource.tags.end(), within.tags.begin(), within.tags.end());
    }
    into.resources.push_back(std::move(resource));
  }
}

void ResourceList::take_in(Value& entry, const Within& outer, Play& into) {
  auto opened = IncludeReader(playbook_, diagnostics_).open(entry, outer.include);
  if (!opened) return;
  Within within{opened->include, outer.tags};
  within.tags.insert(within.tags.end(), opened->tags.begin(), opened->tags.end());
  read_file(opened->document, within, into);
}

void ResourceList::read_file(Value& document, const Within& within, Play& into) {
  for (Value::Member& m : document.as_object()) {
    if (m.key == "resources")
      read(m.value, within, into);
    else if (m.key == "name" || m.key == "$schema")
      read_text(m.value, m.key, diagnostics_);
    else if (m.key == "plays" || m.key == "show")
      diagnostics_.add(m.key_where,
                       fmt::format("`{}` cannot stand in a file that is included among resources", m.key),
                       "include the file in the place of a play");
    else if (m.key == "secrets")
      diagnostics_.add(m.key_where, "`secrets` cannot stand in a file that is included",
                       "it stands in the playbook itself");
    else if (m.key != "vars")
      unknown_key(m, {"name", "vars", "resources", "$schema"}, diagnostics_);
  }
  if (!document.find("resources")) diagnostics_.add(document.where, "`resources` is missing");
}

}  // namespace mlops
