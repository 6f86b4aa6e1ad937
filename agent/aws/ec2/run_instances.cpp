// The request of RunInstances, and the token that makes it exactly one instance.
#include <fmt/format.h>

#include "aws/ec2/instances.hpp"
#include "base/base64.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

constexpr std::size_t largest_user_data = 16'384;  // before base64
constexpr std::size_t token_length = 64;           // the most that EC2 takes
constexpr const char* action = "RunInstances";

void add_disk(Params& params, const InstanceRequest& r) {
  if (r.root_device.empty()) return;
  const std::string disk = "BlockDeviceMapping.1.";
  params.add(disk + "DeviceName", r.root_device);
  if (r.disk_gib > 0) params.add(disk + "Ebs.VolumeSize", r.disk_gib);
  params.add(disk + "Ebs.VolumeType", r.disk_type);
  params.add(disk + "Ebs.DeleteOnTermination", true);
  if (r.encrypted) params.add(disk + "Ebs.Encrypted", true);
}

// An interface of the request's own makes the public address certain; it excludes subnet and groups beside it.
void add_network(Params& params, const InstanceRequest& r) {
  if (!r.zone.empty()) params.add("Placement.AvailabilityZone", r.zone);
  if (!r.public_address) {
    params.add("SubnetId", r.subnet_id).add_list("SecurityGroupId", r.group_ids);
    return;
  }
  const std::string interface = "NetworkInterface.1.";
  params.add(interface + "DeviceIndex", std::int64_t{0}).add(interface + "SubnetId", r.subnet_id);
  params.add(interface + "AssociatePublicIpAddress", *r.public_address);
  params.add_list(interface + "SecurityGroupId", r.group_ids);
  params.add(interface + "DeleteOnTermination", true);
}

void add_metadata_options(Params& params, const InstanceRequest& r) {
  params.add("MetadataOptions.HttpTokens", "required");
  params.add("MetadataOptions.HttpPutResponseHopLimit", r.hop_limit);
  params.add("MetadataOptions.HttpEndpoint", "enabled");
  params.add("MetadataOptions.InstanceMetadataTags", "disabled");
}

void add_market(Params& params, const InstanceRequest& r) {
  params.add("CreditSpecification.CpuCredits", r.cpu_credits);
  if (!r.spot) return;
  params.add("InstanceMarketOptions.MarketType", "spot");
  params.add("InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time");
}

}  // namespace

Params run_instances_params(const InstanceRequest& r) {
  if (r.user_data.size() > largest_user_data)
    throw Error(fmt::format("the user data has {} bytes; EC2 takes {}", r.user_data.size(), largest_user_data));
  Params params;
  params.add("ImageId", r.image_id).add("InstanceType", r.type);
  params.add("MinCount", std::int64_t{1}).add("MaxCount", std::int64_t{1});
  params.add("KeyName", r.key_name).add("UserData", to_base64(r.user_data));
  if (!r.spot) params.add("InstanceInitiatedShutdownBehavior", "stop");
  add_disk(params, r);
  add_network(params, r);
  add_metadata_options(params, r);
  params.add("IamInstanceProfile.Name", r.profile_name);
  add_market(params, r);
  for (const char* type : {"instance", "volume", "network-interface"}) params.tag_created(type, r.tags);
  return params;
}

std::string client_token(const Params& request, std::uint64_t generation) {
  const std::string body = request.body(action, facts_of(Service::ec2).version);
  return sha256_hex(fmt::format("{}\n{}", body, generation)).substr(0, token_length);
}

std::string run_instances_body(const Params& request, const std::string& token) {
  Params whole = request;
  whole.add("ClientToken", token);
  return whole.body(action, facts_of(Service::ec2).version);
}

}  // namespace mlops::aws
