"""Regions, zones, VPCs, subnets, route tables: what is there, and making the default ones."""

from ..errors import Refused, invalid
from ..identity import ACCOUNT
from . import catalog, tags
from .filters import matching, page


def describe_regions(call):
    enabled = call.cloud.settings.opted_in
    status = {name: "opted-in" if name in enabled else usual for name, usual in catalog.REGIONS.items()}
    found = [
        {"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": status[name]}
        for name in catalog.REGIONS
        if call.get("AllRegions") or status[name] != "not-opted-in"
    ]
    wanted = call.get("RegionNames")
    for name in wanted or ():
        if name not in catalog.REGIONS:
            raise invalid(f"Invalid region name: {name}")
    found = [region for region in found if not wanted or region["RegionName"] in wanted]
    fields = {
        "region-name": lambda region: region["RegionName"],
        "endpoint": lambda region: region["Endpoint"],
        "opt-in-status": lambda region: region["OptInStatus"],
    }
    return {"Regions": matching(call, found, fields)}


def describe_availability_zones(call):
    region = call.region.name
    found = [
        {
            "ZoneName": zone, "ZoneId": catalog.zone_id(zone), "RegionName": region, "State": "available",
            "ZoneType": "availability-zone", "OptInStatus": "opt-in-not-required", "Messages": [],
            "GroupName": region, "NetworkBorderGroup": region,
        }
        for zone in call.region.zones
    ]  # fmt: skip
    for name in call.get("ZoneNames", []):
        if name not in call.region.zones:
            raise invalid(f"Invalid availability zone: [{name}]")
    for parameter, member in (("ZoneNames", "ZoneName"), ("ZoneIds", "ZoneId")):
        if parameter in call:
            found = [zone for zone in found if zone[member] in call[parameter]]
    fields = {
        "state": lambda zone: zone["State"],
        "zone-name": lambda zone: zone["ZoneName"],
        "zone-id": lambda zone: zone["ZoneId"],
        "zone-type": lambda zone: zone["ZoneType"],
        "region-name": lambda zone: zone["RegionName"],
        "opt-in-status": lambda zone: zone["OptInStatus"],
        "group-name": lambda zone: zone["GroupName"],
    }
    return {"AvailabilityZones": matching(call, found, fields)}


def rendered_vpc(vpc):
    return {
        "VpcId": vpc.id, "CidrBlock": vpc.cidr, "State": "available", "IsDefault": vpc.is_default, "OwnerId": ACCOUNT,
        "InstanceTenancy": "default", "DhcpOptionsId": "dopt-0123456789abcdef0", "Tags": tags.rendered(vpc.tags),
    }  # fmt: skip


def describe_vpcs(call):
    fields = {
        "is-default": lambda vpc: vpc.is_default,
        "isDefault": lambda vpc: vpc.is_default,
        "vpc-id": lambda vpc: vpc.id,
        "cidr": lambda vpc: vpc.cidr,
        "state": lambda _: "available",
        "owner-id": lambda _: ACCOUNT,
        "tags": lambda vpc: vpc.tags,
    }
    ids = call.get("VpcIds")
    found = matching(call, call.region.vpcs.described(call, ids), fields)
    found, following = page(call, found, ids and ("vpcIds",))
    return {"Vpcs": [rendered_vpc(vpc) for vpc in found], "NextToken": following}


def create_default_vpc(call):
    if call.region.default_vpc:
        raise Refused("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
    return {"Vpc": rendered_vpc(call.region.make_default_vpc())}


def rendered_subnet(subnet):
    return {
        "SubnetId": subnet.id, "VpcId": subnet.vpc, "AvailabilityZone": subnet.zone, "CidrBlock": subnet.cidr,
        "AvailabilityZoneId": catalog.zone_id(subnet.zone), "AvailableIpAddressCount": 4091 - subnet.used,
        "DefaultForAz": subnet.is_default, "MapPublicIpOnLaunch": subnet.public, "State": "available",
        "OwnerId": ACCOUNT, "AssignIpv6AddressOnCreation": False, "Tags": tags.rendered(subnet.tags),
        "SubnetArn": f"arn:aws:ec2:{subnet.zone[:-1]}:{ACCOUNT}:subnet/{subnet.id}",
    }  # fmt: skip


def describe_subnets(call):
    fields = {
        "subnet-id": lambda subnet: subnet.id,
        "vpc-id": lambda subnet: subnet.vpc,
        "availability-zone": lambda subnet: subnet.zone,
        "availabilityZone": lambda subnet: subnet.zone,
        "availability-zone-id": lambda subnet: catalog.zone_id(subnet.zone),
        "default-for-az": lambda subnet: subnet.is_default,
        "defaultForAz": lambda subnet: subnet.is_default,
        "cidr-block": lambda subnet: subnet.cidr,
        "map-public-ip-on-launch": lambda subnet: subnet.public,
        "state": lambda _: "available",
        "owner-id": lambda _: ACCOUNT,
        "tags": lambda subnet: subnet.tags,
    }
    ids = call.get("SubnetIds")
    found = matching(call, call.region.subnets.described(call, ids), fields)
    found, following = page(call, found, ids and ("subnetIds",))
    return {"Subnets": [rendered_subnet(subnet) for subnet in found], "NextToken": following}


def create_default_subnet(call):
    zone, region = call["AvailabilityZone"], call.region
    if zone not in region.zones:
        raise invalid(f"Value ({zone}) for parameter availabilityZone is invalid.")
    if region.default_vpc is None:
        raise Refused("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.")
    if any(subnet.zone == zone and subnet.is_default for subnet in region.subnets.all()):
        raise Refused("DefaultSubnetAlreadyExistsInAvailabilityZone", f"A default subnet already exists in {zone}.")
    return {"Subnet": rendered_subnet(region.make_default_subnet(region.default_vpc, zone))}


def rendered_route_table(table, vpc):
    associations = [
        {
            "RouteTableAssociationId": "rtbassoc-" + table.id[4:], "RouteTableId": table.id, "Main": table.main,
            "AssociationState": {"State": "associated"}, "SubnetId": subnet,
        }
        for subnet in (table.subnets or ([None] if table.main else []))
    ]  # fmt: skip
    routes = [{"DestinationCidrBlock": vpc.cidr, "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable"}]
    if table.gateway:
        routes.append(
            {
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": table.gateway,
                "State": "active",
                "Origin": "CreateRoute",
            }
        )
    return {
        "RouteTableId": table.id, "VpcId": table.vpc, "OwnerId": ACCOUNT, "Associations": associations,
        "Routes": routes, "PropagatingVgws": [], "Tags": tags.rendered(table.tags),
    }  # fmt: skip


def describe_route_tables(call):
    fields = {
        "route-table-id": lambda table: table.id,
        "vpc-id": lambda table: table.vpc,
        "association.main": lambda table: table.main,
        "association.subnet-id": lambda table: table.subnets,
        "route.gateway-id": lambda table: ["local", table.gateway],
        "tags": lambda table: table.tags,
    }
    ids = call.get("RouteTableIds")
    found = matching(call, call.region.route_tables.described(call, ids), fields)
    found, following = page(call, found, ids and ("routeTableIds",), highest=100)
    vpcs = call.region.vpcs.records
    return {"RouteTables": [rendered_route_table(t, vpcs[t.vpc]) for t in found], "NextToken": following}


OPERATIONS = {
    "DescribeRegions": describe_regions,
    "DescribeAvailabilityZones": describe_availability_zones,
    "DescribeVpcs": describe_vpcs,
    "CreateDefaultVpc": create_default_vpc,
    "DescribeSubnets": describe_subnets,
    "CreateDefaultSubnet": create_default_subnet,
    "DescribeRouteTables": describe_route_tables,
}
