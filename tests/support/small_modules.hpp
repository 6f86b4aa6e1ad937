// A few resource types that do nothing, so that playbooks can be checked without the real ones: file, line,
// package and service.
#pragma once

#include "resource/module.hpp"

namespace mlops::test {

ModuleTable small_modules();

}  // namespace mlops::test
