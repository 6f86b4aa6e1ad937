#include "aws/ec2/network.hpp"

#include <algorithm>
#include <utility>

#include "aws/ec2/reading.hpp"
#include "base/error.hpp"

namespace mlops::aws {
namespace {

Vpc vpc_of(const XmlNode& node) {
  return {id_at(node, "vpcId"), node.text_at("state"), node.text_at("cidrBlock"), node.flag_at("isDefault"),
          tags_of(node)};
}

Subnet subnet_of(const XmlNode& node) {
  Subnet s;
  s.id = id_at(node, "subnetId");
  s.vpc_id = id_at(node, "vpcId");
  s.zone = node.text_at("availabilityZone");
  s.zone_id = node.text_at("availabilityZoneId");
  s.state = node.text_at("state");
  s.cidr = node.text_at("cidrBlock");
  s.free_addresses = node.number_at("availableIpAddressCount");
  s.is_zone_default = node.flag_at("defaultForAz");
  s.gives_public_address = node.flag_at("mapPublicIpOnLaunch");
  s.tags = tags_of(node);
  return s;
}

const XmlNode& required(const XmlNode& answer, const char* name) {
  if (const XmlNode* found = answer.child(name)) return *found;
  throw Error(std::string("EC2 answered without ") + name);
}

bool leads_out(const XmlNode& route) {
  return route.text_at("destinationCidrBlock") == "0.0.0.0/0" &&
         route.text_at("gatewayId").starts_with("igw-") && route.text_at("state") == "active";
}

std::vector<std::string> texts(const std::vector<XmlNode>& items, const char* path) {
  std::vector<std::string> list;
  for (const XmlNode& item : items) list.push_back(item.text_at(path));
  return list;
}

}  // namespace

std::vector<Vpc> describe_vpcs(Client& client, const Selection& selection) {
  std::vector<Vpc> vpcs;
  for (const XmlNode& item : all_items(client, "DescribeVpcs", selection_params(selection, "VpcId"), "vpcSet",
                                       selection.ids.empty() ? 1000 : 0))
    vpcs.push_back(vpc_of(item));
  return vpcs;
}

std::optional<Vpc> default_vpc(Client& client) {
  for (Vpc& vpc : describe_vpcs(client, {{}, {{"is-default", {"true"}}}}))
    if (vpc.is_default) return std::move(vpc);
  return {};
}

Vpc create_default_vpc(Client& client) {
  try {
    return vpc_of(required(client.query(Service::ec2, "CreateDefaultVpc", {}), "vpc"));
  } catch (const AwsError& error) {
    if (error.code() != "DefaultVpcAlreadyExists") throw;
  }
  if (auto vpc = default_vpc(client)) return std::move(*vpc);
  throw Error("EC2 has a default VPC, and does not list it");
}

std::vector<Subnet> describe_subnets(Client& client, const Selection& selection) {
  std::vector<Subnet> subnets;
  for (const XmlNode& item : all_items(client, "DescribeSubnets", selection_params(selection, "SubnetId"),
                                       "subnetSet", selection.ids.empty() ? 1000 : 0))
    subnets.push_back(subnet_of(item));
  return subnets;
}

Subnet create_default_subnet(Client& client, const std::string& zone) {
  const Params params = Params().add("AvailabilityZone", zone);
  return subnet_of(required(client.query(Service::ec2, "CreateDefaultSubnet", params), "subnet"));
}

bool is_public(Client& client, const Subnet& subnet) {
  const auto tables_where = [&](Params params) {
    return all_items(client, "DescribeRouteTables", std::move(params), "routeTableSet", 100);
  };
  auto tables = tables_where(Params().filter("association.subnet-id", {subnet.id}));
  if (tables.empty())
    tables = tables_where(Params().filter("vpc-id", {subnet.vpc_id}).filter("association.main", {"true"}));
  return std::any_of(tables.begin(), tables.end(), [](const XmlNode& table) {
    const auto& routes = table.list_at("routeSet");
    return std::any_of(routes.begin(), routes.end(), leads_out);
  });
}

std::vector<Zone> available_zones(Client& client) {
  const Params params = Params().filter("state", {"available"}).filter("zone-type", {"availability-zone"});
  std::vector<Zone> zones;
  for (const XmlNode& item : all_items(client, "DescribeAvailabilityZones", params, "availabilityZoneInfo"))
    zones.push_back({item.text_at("zoneName"), item.text_at("zoneId")});
  return zones;
}

std::vector<std::string> zones_of_type(Client& client, const std::string& type) {
  const Params params = Params().add("LocationType", "availability-zone").filter("instance-type", {type});
  return texts(all_items(client, "DescribeInstanceTypeOfferings", params, "instanceTypeOfferingSet", 1000),
               "location");
}

std::vector<std::string> enabled_regions(Client& client) {
  const Params params = Params().add("AllRegions", false);
  return texts(all_items(client, "DescribeRegions", params, "regionInfo"), "regionName");
}

}  // namespace mlops::aws
