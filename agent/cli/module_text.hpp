// What `mlops-agent modules` says: each resource type's documentation, from its schema.
#pragma once

#include <string>

#include "resource/module.hpp"

namespace mlops {

// One aligned line a type.
std::string list_text(ModuleTable modules);
// Parameters and examples of one type, at most 100 columns wide but for words and examples that are longer.
std::string page_text(const Module& module);
// The same as Markdown: the pages of docs/resources, and of their list.
std::string page_markdown(const Module& module);
std::string list_markdown(ModuleTable modules);
// The same as data: an object with type, summary, named_by, parameters, examples.
Value page_value(const Module& module);

}  // namespace mlops
