"""Where an instance may stand: subnet, zone, groups; what the zone offers and has room for; the vCPU quota."""

import fnmatch
import ipaddress
from dataclasses import dataclass
from typing import Optional

from ..errors import Refused, combination, invalid
from . import catalog, groups


@dataclass
class Network:
    """zone: where the request names a subnet or a zone; public: absent where the subnet decides."""

    subnet: object
    zone: Optional[str]
    groups: list
    public: Optional[bool]
    private_ip: Optional[str]


def network_of(call):
    given = call.get("NetworkInterfaces")
    if not given:
        return resolved(call, call.get("SubnetId"), call.get("SecurityGroupIds"), None, call.get("PrivateIpAddress"))
    for name, words in (
        ("SubnetId", "an instance-level subnet ID"), ("SecurityGroupIds", "instance-level security groups"),
        ("SecurityGroups", "instance-level security groups"), ("PrivateIpAddress", "an instance-level private address"),
    ):  # fmt: skip
        if name in call:
            raise combination(f"Network interfaces and {words} may not be specified on the same request")
    if len(given) != 1 or "NetworkInterfaceId" in given[0]:
        raise Refused("UnsupportedOperation", "The stand-in simulates one new network interface for each instance.")
    one = given[0]
    if "DeviceIndex" not in one:
        raise Refused("MissingParameter", "The request must contain the parameter NetworkInterface.DeviceIndex")
    if one["DeviceIndex"] != 0:
        raise invalid("A network interface with device index 0 is needed.")
    return resolved(call, one.get("SubnetId"), one.get("Groups"), one.get("AssociatePublicIpAddress"),
                    one.get("PrivateIpAddress"))  # fmt: skip


def resolved(call, subnet_id, group_ids, public, private_ip):
    region, zone = call.region, call.get("Placement", {}).get("AvailabilityZone")
    if zone is not None and zone not in region.zones:
        raise invalid(f"Invalid availability zone: [{zone}]")
    subnet = region.subnets.get(call, subnet_id) if subnet_id else None
    if subnet and zone and subnet.zone != zone:
        raise invalid(f"The subnet '{subnet.id}' is not in the availability zone '{zone}'")
    if subnet is None and region.default_vpc is None:
        raise Refused(
            "VPCIdNotSpecified",
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
        )
    if subnet is None and zone and default_subnet(region, zone) is None:
        raise Refused("MissingInput", f"No default subnet for availability zone: '{zone}'.")
    vpc = subnet.vpc if subnet else region.default_vpc.id
    found = [region.groups.get(call, name) for name in group_ids or ()]
    found += [groups.named(call, name) for name in call.get("SecurityGroups", [])]
    for group in found:
        if group.vpc != vpc:
            where = f"subnet {subnet.id}" if subnet else "the default VPC"
            raise Refused("InvalidParameter", f"Security group {group.id} and {where} belong to different networks.")
    if not found:
        found = [group for group in region.groups.all() if group.vpc == vpc and group.name == "default"]
    check_private(region, subnet, private_ip)
    names = list(dict.fromkeys(group.id for group in found))
    return Network(subnet, zone or (subnet.zone if subnet else None), names, public, private_ip)


def check_private(region, subnet, address):
    if address is None:
        return
    try:
        inside = subnet is None or ipaddress.ip_address(address) in ipaddress.ip_network(subnet.cidr)
    except ValueError:
        inside = False
    if not inside:
        raise invalid(f"Address {address} does not fall within the subnet's address range")
    if any(i.private_ip == address and i.state != "terminated" for i in region.instances.all()):
        raise Refused("InvalidIPAddress.InUse", f"Address {address} is in use.")


def default_subnet(region, zone):
    vpc = region.default_vpc
    return next((s for s in region.subnets.all() if vpc and s.vpc == vpc.id and s.zone == zone and s.is_default), None)


def room(call, zone, kind):
    """How many more of a type a zone starts; absent where nothing limits it."""
    for place in (zone, "*"):
        for pattern, count in call.cloud.settings.capacity.get(place, {}).items():
            if fnmatch.fnmatchcase(kind.name, pattern):
                return count - running(call.region, lambda i: i.zone == zone and fnmatch.fnmatchcase(i.kind, pattern))
    return None


def running(region, condition):
    return sum(1 for i in region.instances.all() if i.state in ("pending", "running") and condition(i))


def check_quota(call, kind, count, spot=None, leaving=None):
    """leaving: an instance whose own vCPUs do not count."""
    if spot or not kind.standard:
        return
    used = sum(
        catalog.TYPES[i.kind].vcpus
        for i in call.region.instances.all()
        if i.state in ("pending", "running") and not i.spot and catalog.TYPES[i.kind].standard and i is not leaving
    )
    limit = call.cloud.settings.vcpus
    if used + kind.vcpus * count > limit:
        raise Refused(
            "VcpuLimitExceeded",
            f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance "
            "bucket that the specified instance type belongs to. Please visit "
            "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
        )


def unsupported(kind, zone, others):
    return Refused(
        "Unsupported",
        f"Your requested instance type ({kind.name}) is not supported in your requested Availability Zone ({zone}). "
        f"Please retry your request by not specifying an Availability Zone or choosing {', '.join(others)}.",
    )


def insufficient(kind, zone, others):
    hint = (
        f" You can currently get {kind.name} capacity by not specifying an Availability Zone in your request or "
        f"choosing {', '.join(others)}."
    )
    return Refused(
        "InsufficientInstanceCapacity",
        f"We currently do not have sufficient {kind.name} capacity in the Availability Zone you requested ({zone}). "
        f"Our system will be working on provisioning additional capacity.{hint if others else ''}",
    )


def choose(call, kind, network, count, spot):
    """The zone in which the instances come to stand; refuses where none offers the type or has room."""
    settings, region = call.cloud.settings, call.region
    offering = [zone for zone in region.zones if catalog.offers(settings, zone, kind.name)]
    if network.zone and network.zone not in offering:
        raise unsupported(kind, network.zone, offering)
    check_quota(call, kind, count, spot)
    free = [zone for zone in offering if (room(call, zone, kind) is None or room(call, zone, kind) >= count)]
    if network.zone:
        if network.zone not in free:
            raise insufficient(kind, network.zone, free)
        return network.zone
    free = [zone for zone in free if default_subnet(region, zone)]
    if not free:
        raise insufficient(kind, region.name, [])
    return free[0]
