// Images and instance types of EC2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/client.hpp"
#include "aws/ec2/tags.hpp"

namespace mlops::aws {

struct Image {
  std::string id, name, owner_id, owner_alias, architecture, state;
  std::string created;            // "2026-08-01T12:00:00.000Z": later texts are later moments
  std::string root_device;        // what RunInstances must name
  std::int64_t snapshot_gib = 0;  // of the root disk: a disk is at least as large
  std::string imds_support;       // "v2.0": it refuses version 1 by itself
  std::optional<Seconds> deprecated;
  bool is_free_tier = false;
};
// Of these owners only, for a name alone may be anybody's; by ids without owners. AwsError
// InvalidAMIID.NotFound.
std::vector<Image> describe_images(Client& client, const std::vector<std::string>& owners,
                                   const Selection& selection);
// The newest that is available, by creation. Absent if the owner has none.
std::optional<Image> newest_image(Client& client, const std::string& owner, const std::string& name_pattern,
                                  const std::string& architecture);

struct InstanceType {
  std::string name, hypervisor;                           // hypervisor: "nitro", "xen"
  std::vector<std::string> architectures, usage_classes;  // "x86_64"; "on-demand", "spot"
  std::int64_t vcpus = 0, memory_mib = 0, gpus = 0, gpu_memory_mib = 0;
  std::string gpu_name;
  bool is_free_tier = false, is_burstable = false, is_current = true;
};
// AwsError InvalidInstanceType for a name that does not exist.
std::vector<InstanceType> describe_instance_types(Client& client, const std::vector<std::string>& names,
                                                  const std::vector<Filter>& filters = {});
// Names of those that are free for this account.
std::vector<std::string> free_tier_types(Client& client);

}  // namespace mlops::aws
