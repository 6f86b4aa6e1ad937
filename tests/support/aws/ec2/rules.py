"""A security group's rules: their form, canonical as AWS stores them, and how permissions and rules are rendered."""

import ipaddress
from dataclasses import dataclass, field

from ..errors import Refused, invalid
from ..identity import ACCOUNT
from . import tags
from .groups import CHARACTERS, TEXT
from .table import new_id

PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}


@dataclass
class Rule:
    """kind: what the source is: cidr4, cidr6 or group."""

    id: str
    group: str
    egress: bool
    protocol: str
    low: int
    high: int
    kind: str
    source: str
    description: str = None
    tags: dict = field(default_factory=dict)

    @property
    def key(self):
        """Two rules with the same key are the same to AWS, whatever their descriptions."""
        return self.group, self.egress, self.protocol, self.low, self.high, self.kind, self.source

    @property
    def words(self):
        everything = self.protocol == "-1"
        ports = "" if everything else f"from port: {self.low}, to port: {self.high}, "
        return f"peer: {self.source}, {'ALL' if everything else self.protocol.upper()}, {ports}ALLOW"


def everything_out(group):
    return Rule(new_id("sgr"), group.id, True, "-1", -1, -1, "cidr4", "0.0.0.0/0")


def protocol_of(text):
    text = PROTOCOLS.get(text, text)
    if text.lower() in ("tcp", "udp", "icmp", "icmpv6", "-1"):
        return text.lower()
    if text.isdigit() and int(text) <= 255:
        return text
    raise invalid(f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def ports_of(protocol, low, high):
    """The range as AWS stores it; refuses one that is none."""
    if protocol not in ("tcp", "udp", "icmp", "icmpv6"):
        return -1, -1
    if low is None or high is None:
        raise invalid(f"Invalid value 'Must specify both from and to ports with {protocol.upper()}.' for portRange.")
    if protocol in ("icmp", "icmpv6"):
        if not -1 <= low <= 255 or not -1 <= high <= 255:
            raise invalid(f"ICMP code or type ({low}, {high}) is out of range")
        return low, high
    if not 0 <= low <= 65535 or not 0 <= high <= 65535:
        raise invalid(f"Invalid value '{low}-{high}' for portRange. Ports are 0 to 65535.")
    if low > high:
        raise invalid(f"Invalid TCP/UDP port range ({low}, {high})")
    return low, high


def network_of(text, version):
    """The CIDR block with its host bits cleared."""
    try:
        if "/" not in text:
            raise ValueError
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise invalid(f"CIDR block {text} is malformed") from None
    if network.version != version:
        raise invalid(f"CIDR block {text} is malformed")
    return str(network)


def description_of(text):
    if text and not TEXT.fullmatch(text):
        raise invalid(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: "
            + CHARACTERS
        )
    return text or None


def sources(call, permission):
    """(kind, source, description) of each source of a permission."""
    found = [
        ("cidr4", network_of(given(one, "CidrIp"), 4), one.get("Description")) for one in permission.get("IpRanges", [])
    ]
    found += [
        ("cidr6", network_of(given(one, "CidrIpv6"), 6), one.get("Description"))
        for one in permission.get("Ipv6Ranges", [])
    ]
    for one in permission.get("UserIdGroupPairs", []):
        if "GroupId" not in one:
            raise Refused("MissingParameter", "The request must contain the parameter Groups.GroupId")
        if one.get("UserId", ACCOUNT) != ACCOUNT:
            raise Refused("InvalidGroup.NotFound", f"The security group '{one['GroupId']}' does not exist")
        found.append(("group", call.region.groups.get(call, one["GroupId"]).id, one.get("Description")))
    for one in permission.get("PrefixListIds", []):
        raise Refused("InvalidPrefixListID.NotFound", f"The prefix list ID '{one.get('PrefixListId')}' does not exist")
    return found


def given(one, name):
    if name not in one:
        raise Refused("MissingParameter", f"The request must contain the parameter {name}")
    return one[name]


def asked(call, group, egress):
    """The rules that IpPermissions, or the older parameters for one rule, describe."""
    single = {k: call[k] for k in ("IpProtocol", "FromPort", "ToPort") if k in call}
    if "CidrIp" in call:
        single["IpRanges"] = [{"CidrIp": call["CidrIp"]}]
    if single and "IpPermissions" in call:
        raise Refused("InvalidParameterCombination", "The parameter ipPermissions excludes cidrIp, ipProtocol, …")
    found = []
    for permission in call.get("IpPermissions") or ([single] if single else []):
        if "IpProtocol" not in permission:
            raise Refused("MissingParameter", "The request must contain the parameter IpProtocol")
        protocol = protocol_of(permission["IpProtocol"])
        low, high = ports_of(protocol, permission.get("FromPort"), permission.get("ToPort"))
        from_where = sources(call, permission)
        if not from_where:
            raise Refused("MissingParameter", "Source group ID or CIDR missing: The request must contain a source")
        for kind, source, description in from_where:
            found.append(
                Rule(new_id("sgr"), group.id, egress, protocol, low, high, kind, source, description_of(description))
            )
    if not found:
        raise Refused("MissingParameter", "The request must contain the parameter IpPermissions")
    if len({rule.key for rule in found}) != len(found):
        raise invalid("The same permission must not appear multiple times")
    return found


def ports(rule):
    return {} if rule.protocol == "-1" else {"FromPort": rule.low, "ToPort": rule.high}


def permissions(rules):
    """Rules as the older form has them: one permission for equal protocol and ports."""
    found = {}
    for rule in rules:
        key = (rule.protocol, rule.low, rule.high)
        permission = found.setdefault(
            key,
            {
                "IpProtocol": rule.protocol, **ports(rule), "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [],
                "UserIdGroupPairs": [],
            },
        )  # fmt: skip
        if rule.kind == "cidr4":
            permission["IpRanges"].append({"CidrIp": rule.source, "Description": rule.description})
        elif rule.kind == "cidr6":
            permission["Ipv6Ranges"].append({"CidrIpv6": rule.source, "Description": rule.description})
        else:
            permission["UserIdGroupPairs"].append(
                {"GroupId": rule.source, "UserId": ACCOUNT, "Description": rule.description}
            )
    return list(found.values())


def ingress(region, instance):
    """What its groups let in, for whoever enforces it: one entry for each block of addresses."""
    found = []
    for rule in region.rules.all():
        if rule.group in instance.groups and not rule.egress:
            for block in blocks(region, rule, instance):
                found.append({"protocol": rule.protocol, "from": rule.low, "to": rule.high, "cidr": block})
    return found


def blocks(region, rule, instance):
    """A rule's source as blocks; a group is the addresses of its other members."""
    if rule.kind != "group":
        return [rule.source]
    members = [
        one
        for one in region.instances.all()
        if rule.source in one.groups and one.state == "running" and one is not instance
    ]
    return [f"{address}/32" for one in members for address in (one.private_ip, one.public_ip) if address]


def rendered(rule):
    source = {
        "cidr4": {"CidrIpv4": rule.source},
        "cidr6": {"CidrIpv6": rule.source},
        "group": {"ReferencedGroupInfo": {"GroupId": rule.source, "UserId": ACCOUNT}},
    }
    return {
        "SecurityGroupRuleId": rule.id, "GroupId": rule.group, "GroupOwnerId": ACCOUNT, "IsEgress": rule.egress,
        "IpProtocol": rule.protocol, "FromPort": rule.low, "ToPort": rule.high, "Description": rule.description,
        "Tags": tags.rendered(rule.tags), **source[rule.kind],
    }  # fmt: skip
