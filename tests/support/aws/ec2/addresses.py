"""Elastic IP addresses: allocated, associated, released."""

from dataclasses import dataclass, field
from typing import Optional

from ..errors import Refused, invalid
from ..identity import ACCOUNT
from . import tags
from .filters import matching
from .table import new_id


@dataclass
class Address:
    id: str
    public_ip: str
    association: Optional[str] = None
    instance: Optional[str] = None
    interface: Optional[str] = None
    private_ip: Optional[str] = None
    tags: dict = field(default_factory=dict)

    def leave(self):
        self.association = self.instance = self.interface = self.private_ip = None


def allocate_address(call):
    if call.get("Domain", "vpc") != "vpc":
        raise invalid(f"Value ({call['Domain']}) for parameter domain is invalid.")
    if len(call.region.addresses.all()) >= call.cloud.settings.addresses:
        raise Refused("AddressLimitExceeded", "The maximum number of addresses has been reached.")
    made = tags.at_creation(call, "elastic-ip")["elastic-ip"]
    address = call.region.addresses.add(Address(new_id("eipalloc"), call.cloud.machines.allocate(), tags=made))
    return {
        "PublicIp": address.public_ip, "AllocationId": address.id, "Domain": "vpc", "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": call.region.name,
    }  # fmt: skip


def associate_address(call):
    region = call.region
    for name in ("AllocationId", "InstanceId"):
        if name not in call:
            raise Refused("MissingParameter", f"The request must contain the parameter {name}")
    address = region.addresses.get(call, call["AllocationId"])
    instance = region.instances.get(call, call["InstanceId"])
    if instance.state not in ("pending", "running"):
        raise Refused(
            "IncorrectInstanceState", f"The instance '{instance.id}' is not in a valid state for this operation."
        )
    if address.instance == instance.id:
        return {"AssociationId": address.association}
    # An address in a VPC moves unless the request forbids it.
    if address.instance and not call.get("AllowReassociation", True):
        raise Refused(
            "Resource.AlreadyAssociated",
            f"resource {address.id} is already associated with associate-id {address.association}",
        )
    if address.instance:
        part(region, address)
    for other in region.addresses.all():
        if other.instance == instance.id:
            other.leave()
            region.addresses.touch(other)
    address.association, address.instance = new_id("eipassoc"), instance.id
    address.interface, address.private_ip = instance.interface, instance.private_ip
    instance.elastic, instance.public_ip = True, address.public_ip
    call.cloud.machines.move(instance.id, address.public_ip)
    region.addresses.touch(address)
    region.instances.touch(instance)
    return {"AssociationId": address.association}


def part(region, address):
    """The instance that had the address gets one of Amazon's again, where it runs."""
    instance = region.instances.records.get(address.instance)
    address.leave()
    region.addresses.touch(address)
    if instance is None:
        return
    instance.elastic, instance.public_ip = False, None
    if instance.state == "running" and instance.wants_public:
        instance.public_ip = region.cloud.machines.move(instance.id, None)
    region.instances.touch(instance)


def disassociate_address(call):
    if "AssociationId" not in call:
        raise Refused("MissingParameter", "The request must contain the parameter AssociationId")
    for address in call.region.addresses.all():
        if address.association == call["AssociationId"]:
            return part(call.region, address)
    raise Refused("InvalidAssociationID.NotFound", f"The association ID '{call['AssociationId']}' does not exist")


def release_address(call):
    if "AllocationId" not in call:
        raise Refused("MissingParameter", "The request must contain the parameter AllocationId")
    address = call.region.addresses.get(call, call["AllocationId"])
    if address.association:
        raise Refused("InvalidIPAddress.InUse", f"The address '{address.public_ip}' is in use.")
    call.region.addresses.remove(address)
    call.cloud.machines.give_back(address.public_ip)


def describe_addresses(call):
    fields = {
        "allocation-id": lambda address: address.id,
        "association-id": lambda address: address.association,
        "instance-id": lambda address: address.instance,
        "network-interface-id": lambda address: address.interface,
        "public-ip": lambda address: address.public_ip,
        "private-ip-address": lambda address: address.private_ip,
        "domain": lambda _: "vpc",
        "tags": lambda address: address.tags,
    }
    found = call.region.addresses.described(call, call.get("AllocationIds"))
    for wanted in call.get("PublicIps", []):
        if wanted not in {address.public_ip for address in found}:
            raise Refused("InvalidAddress.NotFound", f"Address '{wanted}' not found.")
    if call.get("PublicIps"):
        found = [address for address in found if address.public_ip in call["PublicIps"]]
    return {"Addresses": [rendered(call, address) for address in matching(call, found, fields)]}


def rendered(call, address):
    return {
        "PublicIp": address.public_ip, "AllocationId": address.id, "Domain": "vpc", "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": call.region.name, "AssociationId": address.association, "InstanceId": address.instance,
        "NetworkInterfaceId": address.interface, "NetworkInterfaceOwnerId": ACCOUNT if address.interface else None,
        "PrivateIpAddress": address.private_ip, "Tags": tags.rendered(address.tags),
    }  # fmt: skip


OPERATIONS = {
    "AllocateAddress": allocate_address,
    "AssociateAddress": associate_address,
    "DisassociateAddress": disassociate_address,
    "ReleaseAddress": release_address,
    "DescribeAddresses": describe_addresses,
}
