// A JSON Schema of playbooks, for editors.
#pragma once

#include "resource/module.hpp"

namespace mlops {

// Draft 2020-12. Wherever another type than a text is expected, a text with {{ }} in it is allowed too.
Value playbook_schema(ModuleTable modules);

}  // namespace mlops
