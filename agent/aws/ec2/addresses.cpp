#include "aws/ec2/addresses.hpp"

#include "aws/ec2/reading.hpp"

namespace mlops::aws {
namespace {

Address address_of(const XmlNode& node) {
  return {address_at(node, "publicIp"), id_at(node, "allocationId"), id_at(node, "associationId"),
          id_at(node, "instanceId"), tags_of(node)};
}

}  // namespace

std::vector<Address> describe_addresses(Client& client, const std::vector<Filter>& filters) {
  std::vector<Address> addresses;
  for (const XmlNode& item :
       all_items(client, "DescribeAddresses", selection_params({{}, filters}, ""), "addressesSet"))
    addresses.push_back(address_of(item));
  return addresses;
}

Address allocate_address(Client& client, const Tags& tags) {
  Params params;
  params.add("Domain", "vpc").tag_created("elastic-ip", tags);
  Address address = address_of(client.query(Service::ec2, "AllocateAddress", params, Repeat::never));
  address.tags = tags;
  return address;
}

std::string associate_address(Client& client, const std::string& allocation_id,
                              const std::string& instance_id) {
  Params params;
  params.add("AllocationId", allocation_id).add("InstanceId", instance_id).add("AllowReassociation", false);
  return id_at(client.query(Service::ec2, "AssociateAddress", params), "associationId");
}

void disassociate_address(Client& client, const std::string& association_id) {
  end_once(client, "DisassociateAddress", Params().add("AssociationId", association_id),
           "InvalidAssociationID.NotFound");
}

void release_address(Client& client, const std::string& allocation_id) {
  end_once(client, "ReleaseAddress", Params().add("AllocationId", allocation_id),
           "InvalidAllocationID.NotFound");
}

}  // namespace mlops::aws
