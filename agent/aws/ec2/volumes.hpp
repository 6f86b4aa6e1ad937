// Disks of EC2 (EBS).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/client.hpp"
#include "aws/ec2/tags.hpp"

namespace mlops::aws {

struct Volume {
  std::string id, type, zone;
  std::string state;  // "creating", "available", "in-use", "deleting", "deleted", "error"
  std::int64_t size_gib = 0, iops = 0, throughput = 0;
  bool is_encrypted = false;
  std::string instance_id, device;  // "": attached to none
  Tags tags;
};
std::vector<Volume> describe_volumes(Client& client, const Selection& selection);

struct VolumeModification {
  std::string volume_id;
  std::string state;  // "modifying", "optimizing", "completed", "failed"; "": never modified
  std::string message;
  std::int64_t original_gib = 0, target_gib = 0, progress = 0;  // progress: percent
};
struct VolumeChange {
  std::int64_t size_gib = 0;  // larger than now; 0: as it is
  std::string type;           // "": as it is
};
// The new size is there from "optimizing" on. AwsError IncorrectModificationState while an earlier one is still
// running. Not repeated once it was sent: after Sent::unknown ask volume_modification().
VolumeModification modify_volume(Client& client, const std::string& id, const VolumeChange& change);
// The newest of the volume. Absent if it was never modified.
std::optional<VolumeModification> volume_modification(Client& client, const std::string& id);

}  // namespace mlops::aws
