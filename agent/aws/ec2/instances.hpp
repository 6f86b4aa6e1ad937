// Instances of EC2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/client.hpp"
#include "aws/ec2/tags.hpp"

namespace mlops::aws {

enum class InstanceState { pending, running, shutting_down, terminated, stopping, stopped, unknown };
std::string_view to_string(InstanceState state);  // "shutting-down", as EC2 writes it

struct InstanceDisk {
  std::string device, volume_id;
  bool delete_on_termination = false;
};
struct GroupName {
  std::string id, name;
};

struct Instance {
  std::string id, image_id, type, architecture, key_name, client_token;
  InstanceState state = InstanceState::unknown;
  std::optional<Seconds> launched;
  std::string reason;             // of the last transition: "User initiated (2026-08-01 12:00:00 GMT)"
  std::string state_reason_code;  // "Client.UserInitiatedShutdown"
  std::string state_reason;       // its message
  std::string zone, subnet_id, vpc_id, owner_id;
  std::string private_address, private_name, public_address, public_name;  // public: "" while it is stopped
  std::string address_owner;  // "amazon": of the instance; an account: an Elastic IP
  std::vector<GroupName> groups;
  std::string root_device;
  std::vector<InstanceDisk> disks;
  std::string http_tokens, http_endpoint;  // of the metadata service: "required", "enabled"
  std::int64_t http_hop_limit = 0;
  std::string profile_arn;  // of an IAM role; "": none
  bool is_spot = false;
  Tags tags;
};

// An id that does not exist is an AwsError; one of another account is left out. Terminated ones stay listed for
// about an hour. What was just made may still be missing.
std::vector<Instance> describe_instances(Client& client, const Selection& selection);

struct InstanceRequest {
  std::string image_id, type;
  std::string key_name;   // "": none
  std::string user_data;  // raw; at most 16,384 bytes
  std::string subnet_id;  // "": the default VPC chooses; then zone may be given
  std::string zone;
  std::vector<std::string> group_ids;
  std::optional<bool> public_address;  // absent: as the subnet has it
  std::string root_device;             // the image's; "": the disk stays as the image has it
  std::int64_t disk_gib = 0;
  std::string disk_type = "gp3";
  bool encrypted = false;
  std::int64_t hop_limit = 1;  // of the metadata service; 2 where containers need it
  std::string cpu_credits;     // "standard", "unlimited"; "": the type's default
  std::string profile_name;    // of an IAM role; "": none
  bool spot = false;           // one-time
  Tags tags;                   // of the instance, its disks and its interface
};

// The request as it will be sent, without a token. It requires IMDSv2, stops on shutdown from within, and
// deletes the disk with the instance. Error if the user data is too long.
Params run_instances_params(const InstanceRequest& request);
// For the same request and generation the same: what is sent twice makes one instance. 64 hex digits.
std::string client_token(const Params& request, std::uint64_t generation);
// The body to keep durably before it is sent.
std::string run_instances_body(const Params& request, const std::string& token);
// Sends a body of run_instances_body; it may be sent again at any time, byte for byte.
Instance run_instances(Client& client, const std::string& body);

struct StateChange {
  std::string id;
  InstanceState previous = InstanceState::unknown, current = InstanceState::unknown;
};
std::vector<StateChange> start_instances(Client& client, const std::vector<std::string>& ids);
// Keeps disks and private addresses; loses the public one unless it is an Elastic IP.
std::vector<StateChange> stop_instances(Client& client, const std::vector<std::string>& ids);
std::vector<StateChange> terminate_instances(Client& client, const std::vector<std::string>& ids);
void reboot_instances(Client& client, const std::vector<std::string>& ids);

// One attribute each. The type and user data can only be changed while it is stopped.
void set_instance_type(Client& client, const std::string& id, const std::string& type);
void set_user_data(Client& client, const std::string& id, const std::string& raw);
void set_termination_protection(Client& client, const std::string& id, bool on);
void set_shutdown_behavior(Client& client, const std::string& id, const std::string& stop_or_terminate);
void set_instance_groups(Client& client, const std::string& id, const std::vector<std::string>& group_ids);
void set_disk_deletion(Client& client, const std::string& id, const std::string& device, bool with_instance);
void set_metadata_options(Client& client, const std::string& id, bool require_tokens, std::int64_t hop_limit);

// Attributes that describe_instances does not tell.
std::string user_data(Client& client, const std::string& id);  // raw
bool termination_protection(Client& client, const std::string& id);
std::string shutdown_behavior(Client& client, const std::string& id);  // "stop", "terminate"

struct ConsoleOutput {
  std::optional<Seconds> when;
  std::string text;  // "" until the instance wrote something
};
// latest: what it shows now, which EC2 knows for Nitro types only (else AwsError UnsupportedOperation).
ConsoleOutput console_output(Client& client, const std::string& id, bool latest);

// The status checks of running instances: "ok", "impaired", "initializing", "insufficient-data".
struct InstanceStatus {
  std::string id, instance, system;
};
std::vector<InstanceStatus> instance_status(Client& client, const std::vector<std::string>& ids);

}  // namespace mlops::aws
