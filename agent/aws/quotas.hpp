// The limits of an account.
#pragma once

#include <optional>
#include <string>

#include "aws/client.hpp"

namespace mlops::aws {

// The limit of a quota of EC2: "L-1216C47A" is the number of virtual CPUs of ordinary on-demand instances.
// Absent if these credentials may not ask for it or there is none. AwsError for anything else.
std::optional<double> ec2_quota(Client& client, const std::string& code);

// The quota that counts instances of a type: by the letters at its start, "L-DB2E81BA" for g and vt,
// "L-417A185B" for p, else "L-1216C47A".
// https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
std::string vcpu_quota_of(const std::string& instance_type);

}  // namespace mlops::aws
