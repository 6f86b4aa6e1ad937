// Launching an instance exactly once.
#pragma once

#include <string>

#include "aws/client.hpp"
#include "domains/cloud/launch_record.hpp"

namespace mlops {

// Sends the request of an interrupted launch again. The id of the instance that it made, now or before; "" if
// it will never make one: that was terminated, or there is no capacity. AwsError for anything else.
std::string resume_launch(aws::Client& client, const LaunchRecord& record);

}  // namespace mlops
