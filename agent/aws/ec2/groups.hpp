// Security groups of EC2 and their rules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/client.hpp"
#include "aws/ec2/tags.hpp"

namespace mlops::aws {

// Exactly one of the four sources is set.
struct SecurityGroupRule {
  std::string id, group_id;
  bool is_egress = false;
  std::string protocol = "tcp";               // "-1": all
  std::int64_t from_port = -1, to_port = -1;  // -1: all
  std::string cidr_ipv4, cidr_ipv6, source_group_id, prefix_list_id;
  std::string description;
  Tags tags;
};

struct SecurityGroup {
  std::string id, name, description, vpc_id, owner_id;
  Tags tags;
  std::vector<SecurityGroupRule> ingress;  // without their ids and tags: describe_rules() has these
};

// Filters: "group-name", "vpc-id", tags. A group of a name is that of one VPC.
std::vector<SecurityGroup> describe_security_groups(Client& client, const Selection& selection);

struct NewSecurityGroup {
  std::string name, description, vpc_id;  // neither can be changed later
  Tags tags;
};
// Its id. AwsError InvalidGroup.Duplicate if the VPC has one of the name: find it and look at its tags.
std::string create_security_group(Client& client, const NewSecurityGroup& group);
// AwsError DependencyViolation as long as an interface uses it, some minutes after an instance's end too.
// Succeeds if there is none.
void delete_security_group(Client& client, const std::string& id);

std::vector<SecurityGroupRule> describe_rules(Client& client, const std::string& group_id);
// The rules as they were made, with ids. EC2 makes a CIDR canonical: 203.0.113.7/24 becomes 203.0.113.0/24.
// AwsError InvalidPermission.Duplicate if one of them is there already: then none was made.
std::vector<SecurityGroupRule> authorize_ingress(Client& client, const std::string& group_id,
                                                 const std::vector<SecurityGroupRule>& rules, const Tags& tags);
// Rules that are not there are left out.
void revoke_ingress(Client& client, const std::string& group_id, const std::vector<std::string>& rule_ids);
// Replaces what the rules of these ids say, in one step.
void modify_rules(Client& client, const std::string& group_id, const std::vector<SecurityGroupRule>& rules);

}  // namespace mlops::aws
