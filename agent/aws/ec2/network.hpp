// VPCs, subnets and zones of EC2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/client.hpp"
#include "aws/ec2/tags.hpp"

namespace mlops::aws {

struct Vpc {
  std::string id, state, cidr;
  bool is_default = false;
  Tags tags;
};
std::vector<Vpc> describe_vpcs(Client& client, const Selection& selection);
// Absent if the region has none.
std::optional<Vpc> default_vpc(Client& client);
// With subnets, gateway, route and group. The one that is there if there is one.
Vpc create_default_vpc(Client& client);

struct Subnet {
  std::string id, vpc_id, zone, zone_id, state, cidr;
  std::int64_t free_addresses = 0;
  bool is_zone_default = false, gives_public_address = false;
  Tags tags;
};
// Filters: "vpc-id", "default-for-az", "availability-zone", "state".
std::vector<Subnet> describe_subnets(Client& client, const Selection& selection);
Subnet create_default_subnet(Client& client, const std::string& zone);
// Whether its route table, or its VPC's main one, leads to the internet by a gateway.
bool is_public(Client& client, const Subnet& subnet);

// The names of zones differ between accounts; ids do not.
struct Zone {
  std::string name, id;
};
std::vector<Zone> available_zones(Client& client);
// Where the type is offered: names of zones.
std::vector<std::string> zones_of_type(Client& client, const std::string& instance_type);
// Names of the regions that the account may use.
std::vector<std::string> enabled_regions(Client& client);

}  // namespace mlops::aws
