// Elastic IP addresses of EC2.
#pragma once

#include <string>
#include <vector>

#include "aws/client.hpp"
#include "aws/ec2/tags.hpp"

namespace mlops::aws {

struct Address {
  std::string address, allocation_id;
  std::string association_id, instance_id;  // "": associated with none
  Tags tags;
};
std::vector<Address> describe_addresses(Client& client, const std::vector<Filter>& filters);

// Not repeated once it was sent: an AwsError with Sent::unknown means that there may be one with these tags.
// Look for the tags before, and after such an error.
Address allocate_address(Client& client, const Tags& tags);
// Again for the same instance: no change. AwsError Resource.AlreadyAssociated if it is associated with another.
// The id of the association.
std::string associate_address(Client& client, const std::string& allocation_id, const std::string& instance_id);
// Both succeed if there is none any more.
void disassociate_address(Client& client, const std::string& association_id);
// AwsError InvalidIPAddress.InUse while it is associated.
void release_address(Client& client, const std::string& allocation_id);

}  // namespace mlops::aws
