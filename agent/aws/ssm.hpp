// Systems Manager: the public parameters in which makers of images say their newest ones.
#pragma once

#include <optional>
#include <string>

#include "aws/client.hpp"

namespace mlops::aws {

// The value of "/aws/service/…". Absent if there is no such parameter, or these credentials may not read it.
// AwsError for anything else.
std::optional<std::string> public_parameter(Client& client, const std::string& name);

}  // namespace mlops::aws
