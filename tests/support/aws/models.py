"""botocore's service models, with the members that Debian's release of them is too old to have.

The names of the additions are those of botocore 1.43's models; where the installed model has a member, it counts.
"""

import functools

from botocore.loaders import create_loader
from botocore.model import ServiceModel

# Enumerations that AWS extends all the time; the stand-in's own tables say which values there are.
OPEN_ENUMS = {"InstanceType"}

STRING, BOOLEAN = {"type": "string"}, {"type": "boolean"}
# (shape, member, description, location name)
MEMBERS = [
    ("StopInstancesRequest", "SkipOsShutdown", BOOLEAN, None),
    ("TerminateInstancesRequest", "Force", BOOLEAN, None),
    ("TerminateInstancesRequest", "SkipOsShutdown", BOOLEAN, None),
    ("Image", "FreeTierEligible", BOOLEAN, "freeTierEligible"),
    ("Image", "PublicSsmParameterName", STRING, "publicSsmParameterName"),
    ("Placement", "AvailabilityZoneId", STRING, "availabilityZoneId"),
]
# (operation, name of its output's shape, members): outputs that used to be empty or smaller.
OUTPUTS = [
    ("DeleteKeyPair", "DeleteKeyPairResult", {"Return": (BOOLEAN, "return"), "KeyPairId": (STRING, "keyPairId")}),
]


def add_member(description, shape, member, kind, location):
    members = description["shapes"][shape].setdefault("members", {})
    if member in members:
        return
    name = "StandIn" + kind["type"].capitalize()
    description["shapes"].setdefault(name, dict(kind))
    members[member] = {"shape": name, **({"locationName": location} if location else {})}


def completed(description):
    """The description of EC2's model with the additions."""
    for shape, member, kind, location in MEMBERS:
        add_member(description, shape, member, kind, location)
    for operation, shape, members in OUTPUTS:
        description["shapes"].setdefault(shape, {"type": "structure", "members": {}})
        description["operations"][operation].setdefault("output", {"shape": shape})
        for member, (kind, location) in members.items():
            add_member(description, description["operations"][operation]["output"]["shape"], member, kind, location)
    return description


@functools.lru_cache(maxsize=None)
def service_model(name):
    """The model of a service by botocore's name of it: ec2, sts, ssm, pricing, service-quotas."""
    description = create_loader().load_service_model(name, "service-2")
    return ServiceModel(completed(description) if name == "ec2" else description, name)


def is_closed_enum(shape):
    return bool(getattr(shape, "enum", None)) and shape.name not in OPEN_ENUMS
