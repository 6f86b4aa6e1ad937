"""RunInstances: its request's checks, its ClientToken's meaning, and where the machine comes to stand."""

import base64
import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass, field

from ..errors import Refused, combination, invalid
from . import catalog, instances, key_pairs, placement, rules, tags, volumes
from .table import new_id

MOST_USER_DATA = 16384


@dataclass
class Token:
    """What a ClientToken was first used with, in its zone, and what was made then (nothing, where that failed)."""

    request: str
    instances: list = field(default_factory=list)


@dataclass
class Launch:
    """A request that has been checked."""

    image: object
    kind: object
    count: int
    key: object
    network: placement.Network
    disks: list
    user_data: str
    metadata: dict
    spot: str
    tags: dict


def run_instances(call):
    check_numbers(call)
    check_token_form(call)
    known = known_token(call)
    if known and known.instances:
        return repeated(call, known)
    image = image_of(call)
    kind = type_of(call, image)
    network = placement.network_of(call)
    key = key_of(call)
    launch = Launch(
        image, kind, call["MaxCount"], key, network, volumes.asked(call, image), user_data_of(call),
        metadata_of(call), spot_of(call), tags_of(call),
    )  # fmt: skip
    check_other(call, kind)
    token = token_of(call, network.zone)
    zone = placement.choose(call, kind, network, call["MinCount"], launch.spot)
    made = make(call, launch, zone)
    if token:
        token.instances = [instance.id for instance in made]
    return instances.reservation(call, made)


def check_numbers(call):
    low, high = call["MinCount"], call["MaxCount"]
    if low < 1:
        raise invalid(f"Value ({low}) for parameter minCount is invalid. Must be at least 1.")
    if high < low:
        raise invalid(f"Value ({low}) for parameter minCount is invalid. It is larger than maxCount ({high}).")


def check_token_form(call):
    token = call.get("ClientToken")
    if token is not None and not re.fullmatch(r"[\x21-\x7e]{1,64}", token):
        raise invalid("Value for parameter clientToken is invalid. Expecting at most 64 ASCII characters.")


def image_of(call):
    name, region = call.get("ImageId"), call.region
    if name is None:
        raise Refused("MissingParameter", "The request must contain the parameter ImageId")
    if name.startswith("resolve:ssm:"):
        parameter = name.removeprefix("resolve:ssm:")
        line = next((line for line in catalog.LINES if line.parameter == parameter), None)
        if line is None:
            raise invalid(f"The SSM parameter {parameter} does not exist or does not hold an image's id")
        return region.newest_image(line.alias)
    image = region.images.get(call, name)
    if image.state != "available":
        raise Refused("InvalidAMIID.Unavailable", f"The image ID '{name}' is not available")
    return image


def type_of(call, image):
    name = call.get("InstanceType")
    if name is None:
        raise Refused("MissingParameter", "The request must contain the parameter InstanceType")
    kind = catalog.TYPES.get(name)
    if kind is None:
        raise invalid(f"Invalid value '{name}' for InstanceType.")
    if call.cloud.settings.unverified:
        raise Refused(
            "PendingVerification",
            "Your request for accessing resources in this region is being validated, and you will not be able to "
            "launch additional resources in this region until the validation is complete.",
        )
    check_free(call, kind)
    if kind.architecture != image.architecture:
        raise invalid(
            f"The architecture '{kind.architecture}' of the specified instance type does not match the architecture "
            f"'{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching "
            "architectures, and try again."
        )
    return kind


def check_free(call, kind):
    if call.cloud.settings.free_plan and not kind.free:
        raise combination(
            "The specified instance type is not eligible for Free Tier. For a list of Free Tier instance types, "
            "run 'describe-instance-types' with the filter 'free-tier-eligible=true'."
        )


def key_of(call):
    if "KeyName" not in call:
        return None
    pair = key_pairs.named(call.region, call["KeyName"])
    if pair is None:
        raise Refused("InvalidKeyPair.NotFound", f"The key pair '{call['KeyName']}' does not exist")
    try:
        return call.region.key_pairs.get(call, pair.id)
    except Refused:
        raise Refused("InvalidKeyPair.NotFound", f"The key pair '{pair.name}' does not exist") from None


def user_data_of(call):
    text = call.get("UserData")
    if text is None:
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from None
    if len(raw) > MOST_USER_DATA:
        raise invalid(f"User data is limited to {MOST_USER_DATA} bytes")
    return text


def metadata_of(call):
    asked = call.get("MetadataOptions", {})
    hops = asked.get("HttpPutResponseHopLimit", 1)
    if not 1 <= hops <= 64:
        raise invalid(f"Value ({hops}) for parameter HttpPutResponseHopLimit is invalid. Expecting 1 to 64.")
    return {
        "HttpTokens": asked.get("HttpTokens", "optional"), "HttpPutResponseHopLimit": hops,
        "HttpEndpoint": asked.get("HttpEndpoint", "enabled"),
        "HttpProtocolIpv6": asked.get("HttpProtocolIpv6", "disabled"),
        "InstanceMetadataTags": asked.get("InstanceMetadataTags", "disabled"),
    }  # fmt: skip


def spot_of(call):
    market = call.get("InstanceMarketOptions", {})
    if market.get("MarketType") != "spot":
        return None
    options = market.get("SpotOptions", {})
    kind = options.get("SpotInstanceType", "one-time")
    behaviour = options.get("InstanceInterruptionBehavior", "terminate")
    if kind == "one-time" and behaviour != "terminate":
        raise combination(f"The interruption behavior '{behaviour}' needs a persistent spot request.")
    return kind


def tags_of(call):
    kinds = ["instance", "volume", "network-interface"]
    if spot_of(call):
        kinds.append("spot-instances-request")
    return tags.at_creation(call, *kinds)


def check_other(call, kind):
    """Parameters that are understood only so far as to refuse what AWS would refuse, or what is not simulated."""
    if "CreditSpecification" in call:
        credits = call["CreditSpecification"].get("CpuCredits")
        if credits not in ("standard", "unlimited"):
            raise invalid(f"Value ({credits}) for parameter CpuCredits is invalid.")
        if not kind.burstable:
            raise combination(f"The parameter CreditSpecification is not supported by the instance type {kind.name}.")
    if "IamInstanceProfile" in call:
        profile = call["IamInstanceProfile"]
        name = profile.get("Name") or profile.get("Arn")
        raise invalid(
            f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
        )
    for name in ("LaunchTemplate", "HibernationOptions", "KernelId", "RamdiskId", "ElasticGpuSpecification"):
        if name in call:
            raise Refused("UnsupportedOperation", f"The stand-in does not simulate the parameter {name}.")


def request_of(call):
    """What makes a request the same as another."""
    asked = {k: v for k, v in call.parameters.items() if k not in ("ClientToken", "DryRun")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def token_of(call, zone):
    """The entry of the call's token, made where it is new.

    A request that names a subnet or a zone is zonal: its token counts there only."""
    if "ClientToken" not in call:
        return None
    return call.region.tokens.setdefault((zone or "", call["ClientToken"]), Token(request_of(call)))


def known_token(call):
    """The entry of a token that was used before; refuses one that meant something else then.

    It is looked up before anything else is checked: what an instance was made from may be gone by now."""
    interface = (call.get("NetworkInterfaces") or [{}])[0]
    subnet = call.region.subnets.records.get(call.get("SubnetId") or interface.get("SubnetId"))
    zone = subnet.zone if subnet else call.get("Placement", {}).get("AvailabilityZone")
    key = zone or "", call.get("ClientToken")
    token = call.region.tokens.get(key)
    if token and token.request != request_of(call):
        raise Refused(
            "IdempotentParameterMismatch",
            f"The request uses the same client token '{key[1]}' as a previous, but non-identical request.",
        )
    return token


def repeated(call, token):
    table = call.region.instances
    found = [table.records.get(name) for name in token.instances]
    if any(instance is None or instance.gone for instance in found):
        raise Refused(
            "IdempotentInstanceTerminated",
            f"The client token '{call['ClientToken']}' belongs to an instance that has been terminated.",
        )
    return instances.reservation(call, found)


def make(call, launch, zone):
    """The instances, pending, their volumes, and the work of their machines begun."""
    region, reservation = call.region, new_id("r")
    subnet = launch.network.subnet or placement.default_subnet(region, zone)
    made = []
    for _ in range(launch.count):
        subnet.used += 1
        base = ipaddress.ip_network(subnet.cidr).network_address
        interface = new_id("eni")
        instance = instances.Instance(
            id=new_id("i"), reservation=reservation, image=launch.image.id, kind=launch.kind.name,
            architecture=launch.kind.architecture, key_name=launch.key and launch.key.name,
            token=call.get("ClientToken"), subnet=subnet.id, vpc=subnet.vpc, zone=zone,
            private_ip=launch.network.private_ip or str(base + 9 + subnet.used),
            wants_public=subnet.public if launch.network.public is None else launch.network.public,
            groups=launch.network.groups, interface=interface, root_device=launch.image.root_device,
            launched=call.cloud.clock.now().replace(microsecond=0), metadata=launch.metadata,
            user_data=launch.user_data, on_shutdown=call.get("InstanceInitiatedShutdownBehavior", "stop"),
            credits=call.get("CreditSpecification", {}).get("CpuCredits"), spot=launch.spot,
            ebs_optimized=call.get("EbsOptimized", False), monitoring=call.get("Monitoring", {}).get("Enabled", False),
            protect_termination=call.get("DisableApiTermination", False),
            protect_stop=call.get("DisableApiStop", False), tags=dict(launch.tags["instance"]),
        )  # fmt: skip
        region.interfaces.add(instances.Interface(interface, instance.id, dict(launch.tags["network-interface"])))
        volumes.attach_new(region, instance, launch.disks, launch.tags["volume"])
        region.instances.add(instance)
        power_on(region, instance)
        made.append(instance)
    return made


def power_on(region, instance):
    """Begins a start: the first one, or one after a stop."""
    instance.boots += 1
    instance.reason, instance.state_reason = "", None
    instance.ingress = rules.ingress(region, instance)
    region.cloud.machines.start(instance.id, description(region, instance))
    instances.begin(region, instance, "pending", region.cloud.settings.start_seconds)


def description(region, instance):
    """What a launcher is told about the machine that it is to start."""
    image = region.images.records[instance.image]
    key = key_pairs.named(region, instance.key_name) if instance.key_name else None
    raw = base64.b64decode(instance.user_data or "")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "instance_id": instance.id, "name": instance.tags.get("Name"), "tags": instance.tags,
        "region": region.name, "zone": instance.zone, "instance_type": instance.kind,
        "image": {"id": image.id, "name": image.name, "alias": image.alias, "user": image.user},
        "public_keys": [f"{key.line} {key.name}"] if key else [], "private_ip": instance.private_ip,
        "public_ip": instance.public_ip if instance.elastic else None, "boots": instance.boots,
        "ingress": instance.ingress, "user_data": text, "user_data_base64": instance.user_data,
    }  # fmt: skip


OPERATIONS = {"RunInstances": run_instances}
