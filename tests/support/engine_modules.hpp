// The resource types of the engine's tests: file, link, unit, program, check, entry and key.
#pragma once

#include "resource/module.hpp"

namespace mlops::test {

ModuleTable engine_modules();

}  // namespace mlops::test
