// The key for the digests of secrets in a saved plan.
#pragma once

#include <string>

namespace mlops {

// Random text that never leaves the state folder of the acting user (given: --state), so that a plan file
// reveals nothing about the secrets that it was made with. make: creates a missing key. "" if there is none.
// Error if it cannot be read or created, or others may read it.
enum class PlanKey { find, make };
std::string plan_key(const std::string& given, PlanKey how);

}  // namespace mlops
