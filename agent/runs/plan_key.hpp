// The key with which the secrets of a kept plan are compared.
#pragma once

#include <string>

namespace mlops {

// Random text that never leaves the state folder of who this process acts as (given: --state), so that a plan file tells
// nothing of the secrets that it was made with. make: it is made where there is none. "" where there is none. Error where
// it cannot be read or made, or others may read it.
enum class PlanKey { find, make };
std::string plan_key(const std::string& given, PlanKey how);

}  // namespace mlops
