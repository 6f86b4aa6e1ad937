#include "aws/ec2/groups.hpp"

#include <fmt/format.h>

#include <utility>

#include "aws/ec2/reading.hpp"

namespace mlops::aws {
namespace {

std::int64_t port_at(const XmlNode& node, std::string_view path) {
  return node.text_at(path).empty() ? -1 : node.number_at(path);
}

// One of ipPermissions: a rule for each of its sources.
void add_rules_of(const XmlNode& node, std::vector<SecurityGroupRule>& rules) {
  const auto add = [&](const char* list, const char* name, std::string SecurityGroupRule::*source) {
    for (const XmlNode& item : node.list_at(list)) {
      SecurityGroupRule rule;
      rule.protocol = node.text_at("ipProtocol");
      rule.from_port = port_at(node, "fromPort");
      rule.to_port = port_at(node, "toPort");
      rule.*source = item.text_at(name);
      rule.description = item.text_at("description");
      rules.push_back(std::move(rule));
    }
  };
  add("ipRanges", "cidrIp", &SecurityGroupRule::cidr_ipv4);
  add("ipv6Ranges", "cidrIpv6", &SecurityGroupRule::cidr_ipv6);
  add("groups", "groupId", &SecurityGroupRule::source_group_id);
  add("prefixListIds", "prefixListId", &SecurityGroupRule::prefix_list_id);
}

SecurityGroup group_of(const XmlNode& node) {
  SecurityGroup group;
  group.id = id_at(node, "groupId");
  group.name = node.text_at("groupName");
  group.description = node.text_at("groupDescription");
  group.vpc_id = id_at(node, "vpcId");
  group.owner_id = node.text_at("ownerId");
  group.tags = tags_of(node);
  for (const XmlNode& permission : node.list_at("ipPermissions")) add_rules_of(permission, group.ingress);
  return group;
}

SecurityGroupRule rule_of(const XmlNode& node) {
  SecurityGroupRule rule;
  rule.id = id_at(node, "securityGroupRuleId");
  rule.group_id = id_at(node, "groupId");
  rule.is_egress = node.flag_at("isEgress");
  rule.protocol = node.text_at("ipProtocol");
  rule.from_port = port_at(node, "fromPort");
  rule.to_port = port_at(node, "toPort");
  rule.cidr_ipv4 = node.text_at("cidrIpv4");
  rule.cidr_ipv6 = node.text_at("cidrIpv6");
  rule.source_group_id = id_at(node, "referencedGroupInfo/groupId");
  rule.prefix_list_id = id_at(node, "prefixListId");
  rule.description = node.text_at("description");
  rule.tags = tags_of(node);
  return rule;
}

std::vector<SecurityGroupRule> rules_of(const std::vector<XmlNode>& items) {
  std::vector<SecurityGroupRule> rules;
  for (const XmlNode& item : items) rules.push_back(rule_of(item));
  return rules;
}

void add_ports(Params& params, const std::string& prefix, const SecurityGroupRule& rule) {
  params.add(prefix + "IpProtocol", rule.protocol);
  if (rule.protocol == "-1") return;
  params.add(prefix + "FromPort", rule.from_port).add(prefix + "ToPort", rule.to_port);
}

// As one of IpPermissions, whose ranges and groups have descriptions of their own.
void add_permission(Params& params, const std::string& prefix, const SecurityGroupRule& rule) {
  add_ports(params, prefix, rule);
  const auto source = [&](const char* list, const char* name, const std::string& value) {
    if (value.empty()) return;
    params.add(fmt::format("{}{}.1.{}", prefix, list, name), value);
    params.add(fmt::format("{}{}.1.Description", prefix, list), rule.description);
  };
  source("IpRanges", "CidrIp", rule.cidr_ipv4);
  source("Ipv6Ranges", "CidrIpv6", rule.cidr_ipv6);
  source("Groups", "GroupId", rule.source_group_id);
  source("PrefixListIds", "PrefixListId", rule.prefix_list_id);
}

}  // namespace

std::vector<SecurityGroup> describe_security_groups(Client& client, const Selection& selection) {
  std::vector<SecurityGroup> groups;
  for (const XmlNode& item : all_items(client, "DescribeSecurityGroups", selection_params(selection, "GroupId"),
                                       "securityGroupInfo", selection.ids.empty() ? 1000 : 0))
    groups.push_back(group_of(item));
  return groups;
}

std::string create_security_group(Client& client, const NewSecurityGroup& group) {
  Params params;
  params.add("GroupName", group.name).add("GroupDescription", group.description).add("VpcId", group.vpc_id);
  params.tag_created("security-group", group.tags);
  return id_at(client.query(Service::ec2, "CreateSecurityGroup", params), "groupId");
}

void delete_security_group(Client& client, const std::string& id) {
  end_once(client, "DeleteSecurityGroup", Params().add("GroupId", id), "InvalidGroup.NotFound");
}

std::vector<SecurityGroupRule> describe_rules(Client& client, const std::string& group_id) {
  const Params params = Params().filter("group-id", {group_id});
  return rules_of(all_items(client, "DescribeSecurityGroupRules", params, "securityGroupRuleSet", 1000));
}

std::vector<SecurityGroupRule> authorize_ingress(Client& client, const std::string& group_id,
                                                 const std::vector<SecurityGroupRule>& rules,
                                                 const Tags& tags) {
  Params params;
  params.add("GroupId", group_id);
  int number = 0;
  for (const SecurityGroupRule& rule : rules)
    add_permission(params, fmt::format("IpPermissions.{}.", ++number), rule);
  params.tag_created("security-group-rule", tags);
  const XmlNode answer = client.query(Service::ec2, "AuthorizeSecurityGroupIngress", params);
  return rules_of(answer.list_at("securityGroupRuleSet"));
}

void revoke_ingress(Client& client, const std::string& group_id, const std::vector<std::string>& rule_ids) {
  const Params params = Params().add("GroupId", group_id).add_list("SecurityGroupRuleId", rule_ids);
  client.query(Service::ec2, "RevokeSecurityGroupIngress", params);
}

void modify_rules(Client& client, const std::string& group_id, const std::vector<SecurityGroupRule>& rules) {
  Params params;
  params.add("GroupId", group_id);
  int number = 0;
  for (const SecurityGroupRule& rule : rules) {
    const std::string one = fmt::format("SecurityGroupRule.{}.", ++number);
    const std::string content = one + "SecurityGroupRule.";
    params.add(one + "SecurityGroupRuleId", rule.id);
    add_ports(params, content, rule);
    params.add(content + "CidrIpv4", rule.cidr_ipv4).add(content + "CidrIpv6", rule.cidr_ipv6);
    params.add(content + "ReferencedGroupId", rule.source_group_id);
    params.add(content + "PrefixListId", rule.prefix_list_id);
    params.add(content + "Description", rule.description);
  }
  client.query(Service::ec2, "ModifySecurityGroupRules", params);
}

}  // namespace mlops::aws
