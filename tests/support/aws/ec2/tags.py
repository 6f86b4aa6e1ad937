"""Tags: their rules, at creation and after it."""

from ..errors import Refused, invalid, missing
from .filters import matching, page

MOST = 50
TAGGED = {
    "i": ("instances", "instance"), "vol": ("volumes", "volume"), "sg": ("groups", "security-group"),
    "sgr": ("rules", "security-group-rule"), "key": ("key_pairs", "key-pair"), "eipalloc": ("addresses", "elastic-ip"),
    "vpc": ("vpcs", "vpc"), "subnet": ("subnets", "subnet"), "rtb": ("route_tables", "route-table"),
    "eni": ("interfaces", "network-interface"), "ami": ("images", "image"),
}  # fmt: skip


def check(tags):
    for key, value in tags.items():
        if not key:
            raise invalid("Tag key cannot be empty")
        if len(key) > 128:
            raise invalid("Tag key exceeds the maximum length of 128 characters")
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag keys starting with 'aws:' are reserved for internal use: {key}")
        if len(value) > 256:
            raise invalid("Tag value exceeds the maximum length of 256 characters")
    if len(tags) > MOST:
        raise Refused("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")


def pairs(tags):
    found = {}
    for tag in tags:
        if "Key" not in tag:
            raise missing("Tag.Key")
        if tag["Key"] in found:
            raise invalid(f"Duplicate tag key '{tag['Key']}' specified.")
        found[tag["Key"]] = tag.get("Value", "")
    return found


def rendered(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def at_creation(call, *kinds):
    """The tags that the call gives what it makes: kind of resource to tags. kinds: what it may make."""
    found = {kind: {} for kind in kinds}
    seen = set()
    for specification in call.get("TagSpecifications", []):
        kind = specification.get("ResourceType")
        if not kind:
            raise missing("TagSpecification.ResourceType")
        if kind not in kinds:
            raise invalid(f"'{kind}' is not a valid taggable resource type for this operation.")
        if kind in seen:
            raise invalid(f"Tag specifications name the resource type '{kind}' twice.")
        seen.add(kind)
        if not specification.get("Tags"):
            raise invalid("Tag specification must have at least one tag")
        found[kind] = pairs(specification["Tags"])
        check(found[kind])
    if seen:
        call.cloud.identities.check(call.credential, "ec2", "CreateTags")
    return found


def tagged(call, name):
    """The table and the record of an id of any kind."""
    prefix = name.rsplit("-", 1)[0]
    if "-" not in name or prefix not in TAGGED:
        raise Refused("InvalidID", f"The ID '{name}' is not valid")
    table = getattr(call.region, TAGGED[prefix][0])
    return table, table.get(call, name)


def create_tags(call):
    call.cloud.identities.check(call.credential, "ec2", "CreateTags:existing")
    new = pairs(call["Tags"])
    found = [tagged(call, name) for name in call["Resources"]]
    for _, record in found:
        check({**record.tags, **new})
        if getattr(record, "state", "") == "terminated":
            raise Refused("InvalidInstanceID.NotFound", f"The instance ID '{record.id}' does not exist")
    for table, record in found:
        record.tags.update(new)
        table.touch(record)


def delete_tags(call):
    """A tag with a value goes only if it has that value; without any, all go."""
    for table, record in [tagged(call, name) for name in call["Resources"]]:
        if not call.get("Tags"):
            record.tags.clear()
        for tag in call.get("Tags", []):
            if "Key" not in tag:
                raise missing("Tag.Key")
            if "Value" not in tag or record.tags.get(tag["Key"]) == tag["Value"]:
                record.tags.pop(tag["Key"], None)
        table.touch(record)


def describe_tags(call):
    found = []
    for table, kind in TAGGED.values():
        for record in getattr(call.region, table).seen(call.as_of):
            for key, value in record.tags.items():
                found.append({"ResourceId": record.id, "ResourceType": kind, "Key": key, "Value": value})
    fields = {
        "key": lambda tag: tag["Key"],
        "value": lambda tag: tag["Value"],
        "resource-id": lambda tag: tag["ResourceId"],
        "resource-type": lambda tag: tag["ResourceType"],
        "tags": lambda tag: {tag["Key"]: tag["Value"]},
    }
    found, following = page(call, matching(call, found, fields))
    return {"Tags": found, "NextToken": following}


OPERATIONS = {"CreateTags": create_tags, "DeleteTags": delete_tags, "DescribeTags": describe_tags}
