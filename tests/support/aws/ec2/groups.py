"""Security groups: made, described with their permissions, deleted."""

import re
from dataclasses import dataclass, field

from ..errors import Refused, invalid, missing
from ..identity import ACCOUNT
from . import tags
from .filters import matching, page
from .table import new_id

TEXT = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
CHARACTERS = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
MOST = 2500


@dataclass
class Group:
    id: str
    name: str
    description: str
    vpc: str
    tags: dict = field(default_factory=dict)


def make_default_group(region, vpc):
    from . import rules

    group = region.groups.add(Group(new_id("sg"), "default", "default VPC security group", vpc.id))
    region.rules.add(rules.everything_out(group))
    region.rules.add(rules.Rule(new_id("sgr"), group.id, False, "-1", -1, -1, "group", group.id))
    return group


def create_security_group(call):
    from . import rules

    name, description, region = call["GroupName"], call["Description"], call.region
    if not TEXT.fullmatch(name) or name != name.strip():
        raise invalid(f"Value ({name}) for parameter GroupName is invalid. Character sets: {CHARACTERS}")
    if name.lower().startswith("sg-"):
        raise invalid(f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*.")
    if name.lower() == "default":
        raise Refused("InvalidGroup.Reserved", "The security group 'default' is reserved")
    if not TEXT.fullmatch(description):
        raise invalid(f"Value ({description}) for parameter GroupDescription is invalid. Character sets: {CHARACTERS}")
    if "VpcId" in call:
        vpc = region.vpcs.get(call, call["VpcId"])
    elif region.default_vpc:
        vpc = region.default_vpc
    else:
        raise Refused("VPCIdNotSpecified", "No default VPC for this user")
    if any(group.vpc == vpc.id and group.name.lower() == name.lower() for group in region.groups.all()):
        raise Refused("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc.id}'")
    if len(region.groups.all()) >= MOST:
        raise Refused("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
    made = tags.at_creation(call, "security-group")["security-group"]
    group = region.groups.add(Group(new_id("sg"), name, description, vpc.id, made))
    region.rules.add(rules.everything_out(group))
    return {"GroupId": group.id, "Tags": tags.rendered(group.tags)}


def named(call, name):
    """A group of the default VPC by its name."""
    vpc = call.region.default_vpc
    for group in call.region.groups.all():
        if vpc and group.vpc == vpc.id and group.name == name:
            return call.region.groups.get(call, group.id)
    raise Refused("InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC")


def meant(call):
    """The group that a changing call names by GroupId or, in the default VPC, GroupName."""
    if "GroupId" in call:
        return call.region.groups.get(call, call["GroupId"])
    if "GroupName" in call:
        return named(call, call["GroupName"])
    raise missing("GroupName or GroupId")


def rendered(call, group, rules):
    from . import rules as rule

    return {
        "GroupId": group.id, "GroupName": group.name, "Description": group.description, "VpcId": group.vpc,
        "OwnerId": ACCOUNT, "Tags": tags.rendered(group.tags),
        "IpPermissions": rule.permissions([r for r in rules if r.group == group.id and not r.egress]),
        "IpPermissionsEgress": rule.permissions([r for r in rules if r.group == group.id and r.egress]),
    }  # fmt: skip


def describe_security_groups(call):
    rules = call.region.rules.seen(call.as_of)

    def ingress(get):
        return lambda group: [get(r) for r in rules if r.group == group.id and not r.egress]

    fields = {
        "group-id": lambda group: group.id,
        "group-name": lambda group: group.name,
        "description": lambda group: group.description,
        "vpc-id": lambda group: group.vpc,
        "owner-id": lambda _: ACCOUNT,
        "ip-permission.cidr": ingress(lambda r: r.source if r.kind == "cidr4" else None),
        "ip-permission.from-port": ingress(lambda r: r.low),
        "ip-permission.to-port": ingress(lambda r: r.high),
        "ip-permission.protocol": ingress(lambda r: r.protocol),
        "tags": lambda group: group.tags,
    }
    ids, names = call.get("GroupIds"), call.get("GroupNames")
    found = call.region.groups.described(call, ids)
    if names:
        vpc = call.region.default_vpc
        found = [g for g in found if g.name in names and vpc and g.vpc == vpc.id]
        for name in names:
            if name not in {group.name for group in found}:
                raise Refused("InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC")
    found = matching(call, found, fields)
    given = ("groupIds",) if ids else ("groupNames",) if names else None
    found, following = page(call, found, given)
    return {"SecurityGroups": [rendered(call, group, rules) for group in found], "NextToken": following}


def delete_security_group(call):
    from .instances import uses_group

    group, region = meant(call), call.region
    if group.name == "default":
        raise Refused("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user')
    used = any(uses_group(region, instance, group) for instance in region.instances.all())
    meant_by = any(r.kind == "group" and r.source == group.id and r.group != group.id for r in region.rules.all())
    if used or meant_by:
        raise Refused("DependencyViolation", f"resource {group.id} has a dependent object")
    for rule in region.rules.all():
        if rule.group == group.id:
            region.rules.remove(rule)
    region.groups.remove(group)
    return answer_of_delete(call)


def answer_of_delete(call):
    """Newer models of this operation have an output; Debian's has none."""
    shape = call.cloud.model("ec2").operation_model("DeleteSecurityGroup").output_shape
    return {"Return": True} if shape else None


OPERATIONS = {
    "CreateSecurityGroup": create_security_group,
    "DescribeSecurityGroups": describe_security_groups,
    "DeleteSecurityGroup": delete_security_group,
}
