// An account of Amazon EC2 as seen with the credentials of the person who runs the agent. Facts of the service:
// its API reference, version 2016-11-15.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"

namespace mlops {

// Which credentials and which region; "": as AWS's own tools choose them.
struct CloudScope {
  std::string profile, region;
  friend bool operator==(const CloudScope&, const CloudScope&) = default;
  friend auto operator<=>(const CloudScope&, const CloudScope&) = default;
  static constexpr auto fields() {
    return std::tuple(field("profile", &CloudScope::profile), field("region", &CloudScope::region));
  }
};

using CloudTags = std::map<std::string, std::string>;

// What every object that was made here carries, with the type and name of its resource: "ec2_instance/box".
constexpr const char* cloud_tag = "mlops-agent:id";

// Whose account calls go to, and why.
struct CloudCaller {
  std::string account, arn;
  std::string credentials;            // "the profile work (/home/ada/.aws/credentials:3)"
  std::string region, region_source;  // "eu-central-1", "AWS_REGION"
};

struct CloudKeyPair {
  std::string id, name;
  std::string public_key;   // OpenSSH's line
  std::string fingerprint;  // as EC2 shows it
  CloudTags tags;
};

// What one rule lets in. Two rules that let in the same are equal, whatever their ids and descriptions.
struct CloudRule {
  std::string protocol = "tcp";               // "tcp", "udp", "icmp", "icmpv6", "-1" for all
  std::int64_t from_port = -1, to_port = -1;  // -1: all
  std::string cidr;                           // IPv4 or IPv6, canonical: "203.0.113.7/32"; "" with group
  // The id of a security group; "" with cidr. In an action also the name of one of the same VPC, which never
  // begins with "sg-".
  std::string group;
  std::string description;
  std::string id;  // "" until it was made
  bool lets_in_same(const CloudRule& other) const {
    return protocol == other.protocol && from_port == other.from_port && to_port == other.to_port &&
           cidr == other.cidr && group == other.group;
  }
  friend bool operator==(const CloudRule&, const CloudRule&) = default;
  static constexpr auto fields() {
    return std::tuple(field("protocol", &CloudRule::protocol), field("from_port", &CloudRule::from_port),
                      field("to_port", &CloudRule::to_port), field("cidr", &CloudRule::cidr),
                      field("group", &CloudRule::group), field("description", &CloudRule::description),
                      field("id", &CloudRule::id));
  }
};

struct CloudGroup {
  std::string id, name, vpc, description;
  CloudTags tags;
  std::vector<CloudRule> rules;  // ingress
};

enum class CloudPower { pending, running, shutting_down, terminated, stopping, stopped };

struct CloudInstance {
  std::string id, name, image, type, zone, subnet, vpc, key_pair;
  CloudPower power = CloudPower::pending;
  std::int64_t launched = 0;                    // seconds since the epoch; 0: not known
  std::string reason;                           // of the last change of its power; ""
  std::string public_address, private_address;  // public: "" while it is stopped
  std::vector<std::string> groups;              // ids
  std::string disk, disk_type;                  // the root volume's id; "gp3"
  std::int64_t disk_gib = 0;
  bool requires_tokens = false;  // IMDSv2
  CloudTags tags;
  // "ssh-ed25519 AAAA…", where its console shows that it has not taken the host key of its user data; ""
  // otherwise.
  std::string console_key;
  bool is_alive() const { return power != CloudPower::terminated && power != CloudPower::shutting_down; }
};

// The instances of one name.
struct CloudInstances {
  std::vector<CloudInstance> alive;
  std::optional<CloudInstance> gone;  // the last that was terminated, as long as EC2 lists it
  // A launch that was begun and whose end is not known: launching again resumes it.
  bool launching = false;
  // The id of the instance that this machine launched last under that name; "" for none, or if it terminated
  // it.
  std::string launched_here;
  // The id of the instance that this machine terminated last under that name; "" for none.
  std::string ended_here;
};

struct CloudAddress {
  std::string address, id;            // id: of the allocation
  std::string association, instance;  // "": associated with none
  CloudTags tags;
};

// What a new instance would be made from, and what it costs.
struct CloudOffer {
  std::string image, image_name;    // its id
  std::int64_t least_disk_gib = 0;  // of the image
  std::vector<std::string> types;   // those of the asked ones that a zone with a usable subnet has, in order
  std::string vpc;
  std::vector<std::string> subnets;  // usable, in the order in which they are tried
  // US dollars; absent: these credentials may not ask.
  std::optional<double> hourly_running, monthly_stopped;
};

// What an instance is launched from.
struct InstanceSpec {
  std::string image;                // "ubuntu-24.04", "debian-12", or an id
  std::vector<std::string> types;   // the first that there is capacity for
  std::int64_t disk_gib = 0;        // 0: as the image has it
  std::string disk_type;            // "gp3"
  std::string key_pair;             // "": none
  std::vector<std::string> groups;  // names of security groups in the VPC of the subnet
  std::string subnet;               // "": one of the default VPC
  std::string user_data;            // cloud-config or a script; "": none beside our own
  std::int64_t hop_limit = 1;       // of the metadata service
  CloudTags tags;
  friend bool operator==(const InstanceSpec&, const InstanceSpec&) = default;
  static constexpr auto fields() {
    return std::tuple(field("image", &InstanceSpec::image), field("types", &InstanceSpec::types),
                      field("disk_gib", &InstanceSpec::disk_gib), field("disk_type", &InstanceSpec::disk_type),
                      field("key_pair", &InstanceSpec::key_pair), field("groups", &InstanceSpec::groups),
                      field("subnet", &InstanceSpec::subnet), unrecorded("user_data", &InstanceSpec::user_data),
                      field("hop_limit", &InstanceSpec::hop_limit), field("tags", &InstanceSpec::tags));
  }
};

class CloudReader {
 public:
  virtual ~CloudReader() = default;
  // All throw Error: unavailable without credentials, region or connection, with what was looked at; denied
  // with the missing right; else the service's own message and what a person can do.
  virtual CloudCaller caller(const CloudScope& scope) const = 0;
  virtual std::optional<CloudKeyPair> key_pair(const CloudScope& scope, const std::string& name) const = 0;
  // vpc: an id; "": the default VPC.
  virtual std::optional<CloudGroup> group(const CloudScope& scope, const std::string& vpc,
                                          const std::string& name) const = 0;
  // What the spec comes to here and now.
  virtual CloudOffer offer(const CloudScope& scope, const InstanceSpec& spec) const = 0;
  virtual CloudInstances instances(const CloudScope& scope, const std::string& name) const = 0;
  // The address that carries the resource's tag.
  virtual std::optional<CloudAddress> address(const CloudScope& scope, const std::string& name) const = 0;
  // Everything that carries our tag, of any name.
  virtual std::vector<CloudInstance> all_instances(const CloudScope& scope) const = 0;
  // Where this machine's traffic comes from, as the internet sees it: an IPv4 or IPv6 address.
  virtual std::string own_address() const = 0;
  // OpenSSH's public line of a private key file; absent if there is no file. Error if it needs a passphrase and
  // has no .pub file beside it.
  virtual std::optional<std::string> public_key(const std::string& private_key_path) const = 0;
};

}  // namespace mlops
