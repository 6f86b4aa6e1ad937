#include "aws/ec2/instances.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "aws/ec2/reading.hpp"

namespace mlops::aws {
namespace {

constexpr std::pair<std::string_view, InstanceState> states[] = {
    {"pending", InstanceState::pending},
    {"running", InstanceState::running},
    {"shutting-down", InstanceState::shutting_down},
    {"terminated", InstanceState::terminated},
    {"stopping", InstanceState::stopping},
    {"stopped", InstanceState::stopped},
};

InstanceState state_at(const XmlNode& node, std::string_view path) {
  const std::string name = node.text_at(path);
  const auto found =
      std::find_if(std::begin(states), std::end(states), [&](const auto& s) { return s.first == name; });
  return found == std::end(states) ? InstanceState::unknown : found->second;
}

void read_place(const XmlNode& node, Instance& i) {
  i.zone = node.text_at("placement/availabilityZone");
  i.subnet_id = id_at(node, "subnetId");
  i.vpc_id = id_at(node, "vpcId");
  i.private_address = address_at(node, "privateIpAddress");
  i.private_name = node.text_at("privateDnsName");
  i.public_address = address_at(node, "ipAddress");
  i.public_name = node.text_at("dnsName");
  for (const XmlNode& interface : node.list_at("networkInterfaceSet"))
    if (i.address_owner.empty()) i.address_owner = interface.text_at("association/ipOwnerId");
  for (const XmlNode& group : node.list_at("groupSet"))
    i.groups.push_back({id_at(group, "groupId"), group.text_at("groupName")});
}

void read_disks(const XmlNode& node, Instance& i) {
  i.root_device = node.text_at("rootDeviceName");
  for (const XmlNode& disk : node.list_at("blockDeviceMapping"))
    i.disks.push_back(
        {disk.text_at("deviceName"), id_at(disk, "ebs/volumeId"), disk.flag_at("ebs/deleteOnTermination")});
}

void read_state(const XmlNode& node, Instance& i) {
  i.state = state_at(node, "instanceState/name");
  i.launched = time_at(node, "launchTime");
  i.reason = node.text_at("reason");
  i.state_reason_code = node.text_at("stateReason/code");
  i.state_reason = node.text_at("stateReason/message");
}

void read_metadata_options(const XmlNode& node, Instance& i) {
  i.http_tokens = node.text_at("metadataOptions/httpTokens");
  i.http_endpoint = node.text_at("metadataOptions/httpEndpoint");
  i.http_hop_limit = node.number_at("metadataOptions/httpPutResponseHopLimit");
}

Instance instance_of(const XmlNode& node, const std::string& owner) {
  Instance i;
  i.id = id_at(node, "instanceId");
  i.image_id = id_at(node, "imageId");
  i.type = node.text_at("instanceType");
  i.architecture = node.text_at("architecture");
  i.key_name = node.text_at("keyName");
  i.client_token = node.text_at("clientToken");
  i.owner_id = owner;
  i.profile_arn = node.text_at("iamInstanceProfile/arn");
  i.is_spot = node.text_at("instanceLifecycle") == "spot";
  i.tags = tags_of(node);
  read_state(node, i);
  read_place(node, i);
  read_disks(node, i);
  read_metadata_options(node, i);
  return i;
}

std::vector<StateChange> change_state(Client& client, const char* action, const std::vector<std::string>& ids) {
  std::vector<StateChange> changes;
  const XmlNode answer = client.query(Service::ec2, action, Params().add_list("InstanceId", ids));
  for (const XmlNode& item : answer.list_at("instancesSet"))
    changes.push_back(
        {id_at(item, "instanceId"), state_at(item, "previousState/name"), state_at(item, "currentState/name")});
  return changes;
}

}  // namespace

std::string_view to_string(InstanceState state) {
  const auto found =
      std::find_if(std::begin(states), std::end(states), [&](const auto& s) { return s.second == state; });
  return found == std::end(states) ? "unknown" : found->first;
}

std::vector<Instance> describe_instances(Client& client, const Selection& selection) {
  std::vector<Instance> instances;
  for (const XmlNode& reservation :
       all_items(client, "DescribeInstances", selection_params(selection, "InstanceId"), "reservationSet",
                 selection.ids.empty() ? 1000 : 0))
    for (const XmlNode& item : reservation.list_at("instancesSet"))
      instances.push_back(instance_of(item, reservation.text_at("ownerId")));
  return instances;
}

Instance run_instances(Client& client, const std::string& body) {
  const XmlNode answer = client.query_body(Service::ec2, "RunInstances", body);
  const auto& items = answer.list_at("instancesSet");
  if (items.size() != 1) throw Error("EC2 answered RunInstances without one instance");
  return instance_of(items.front(), answer.text_at("ownerId"));
}

std::vector<StateChange> start_instances(Client& client, const std::vector<std::string>& ids) {
  return change_state(client, "StartInstances", ids);
}

std::vector<StateChange> stop_instances(Client& client, const std::vector<std::string>& ids) {
  return change_state(client, "StopInstances", ids);
}

std::vector<StateChange> terminate_instances(Client& client, const std::vector<std::string>& ids) {
  return change_state(client, "TerminateInstances", ids);
}

void reboot_instances(Client& client, const std::vector<std::string>& ids) {
  client.query(Service::ec2, "RebootInstances", Params().add_list("InstanceId", ids));
}

std::vector<InstanceStatus> instance_status(Client& client, const std::vector<std::string>& ids) {
  std::vector<InstanceStatus> all;
  for (const XmlNode& item :
       all_items(client, "DescribeInstanceStatus",
                 Params().add_list("InstanceId", ids).add("IncludeAllInstances", true), "instanceStatusSet"))
    all.push_back({id_at(item, "instanceId"), item.text_at("instanceStatus/status"),
                   item.text_at("systemStatus/status")});
  return all;
}

}  // namespace mlops::aws
