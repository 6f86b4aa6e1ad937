"""Attributes of instances: those that DescribeInstances does not say, and changing them, one a call."""

import base64

from ..errors import Refused, combination, invalid
from . import catalog, instances
from .launch import MOST_USER_DATA


def instance_of(call):
    instance = call.region.instances.get(call, call["InstanceId"])
    if instance.gone:
        raise Refused("IncorrectInstanceState", f"The instance '{instance.id}' is not in a state for this operation.")
    return instance


READ = {
    "instanceType": lambda i: {"InstanceType": {"Value": i.kind}},
    "userData": lambda i: {"UserData": {"Value": i.user_data}},
    "disableApiTermination": lambda i: {"DisableApiTermination": {"Value": i.protect_termination}},
    "disableApiStop": lambda i: {"DisableApiStop": {"Value": i.protect_stop}},
    "instanceInitiatedShutdownBehavior": lambda i: {"InstanceInitiatedShutdownBehavior": {"Value": i.on_shutdown}},
    "rootDeviceName": lambda i: {"RootDeviceName": {"Value": i.root_device}},
    "ebsOptimized": lambda i: {"EbsOptimized": {"Value": i.ebs_optimized}},
    "sourceDestCheck": lambda i: {"SourceDestCheck": {"Value": i.source_dest_check}},
    "groupSet": lambda i: {"Groups": [{"GroupId": name} for name in i.groups]},
    "blockDeviceMapping": lambda i: {"BlockDeviceMappings": [instances.rendered_disk(disk) for disk in i.disks]},
}


def describe_instance_attribute(call):
    instance = call.region.instances.described(call, [call["InstanceId"]])[0]
    if call["Attribute"] not in READ:
        raise Refused("UnsupportedOperation", f"The stand-in does not simulate the attribute {call['Attribute']}.")
    return {"InstanceId": instance.id, **READ[call["Attribute"]](instance)}


def must_be_stopped(instance, what):
    if instance.state != "stopped":
        raise Refused(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in the 'stopped' state. {what} can be changed only then.",
        )


def change_type(call, instance, value):
    must_be_stopped(instance, "instanceType")
    kind = catalog.TYPES.get(value["Value"])
    if kind is None:
        raise invalid(f"Invalid value '{value['Value']}' for InstanceType.")
    if kind.architecture != instance.architecture:
        raise combination(
            f"The instance type '{kind.name}' does not support the architecture '{instance.architecture}'."
        )
    instance.kind = kind.name


def change_user_data(call, instance, value):
    must_be_stopped(instance, "userData")
    if len(value["Value"]) > MOST_USER_DATA:
        raise invalid(f"User data is limited to {MOST_USER_DATA} bytes")
    instance.user_data = base64.b64encode(value["Value"]).decode()


def change_shutdown(call, instance, value):
    if value["Value"] not in ("stop", "terminate"):
        raise invalid(f"Invalid value '{value['Value']}' for instanceInitiatedShutdownBehavior")
    instance.on_shutdown = value["Value"]


def change_groups(call, instance, names):
    found = [call.region.groups.get(call, name) for name in names]
    for group in found:
        if group.vpc != instance.vpc:
            raise Refused("InvalidParameter", f"Security group {group.id} is in another VPC than the instance.")
    instance.groups = list(dict.fromkeys(group.id for group in found))


def change_disks(call, instance, mappings):
    disks = {disk.device: disk for disk in instance.disks}
    for mapping in mappings:
        if mapping.get("DeviceName") not in disks:
            raise Refused(
                "InvalidInstanceAttributeValue", f"No device is currently mapped at {mapping.get('DeviceName')}"
            )
    for mapping in mappings:
        disk, value = disks[mapping["DeviceName"]], mapping.get("Ebs", {}).get("DeleteOnTermination")
        if value is not None:
            disk.delete_on_termination = value
            volume = call.region.volumes.records[disk.volume]
            volume.delete_on_termination = value
            call.region.volumes.touch(volume)


def flag(name):
    def change(_, instance, value):
        setattr(instance, name, value["Value"])

    return change


def ebs_optimized(call, instance, value):
    must_be_stopped(instance, "ebsOptimized")
    instance.ebs_optimized = value["Value"]


CHANGE = {
    "InstanceType": change_type,
    "UserData": change_user_data,
    "InstanceInitiatedShutdownBehavior": change_shutdown,
    "DisableApiTermination": flag("protect_termination"),
    "DisableApiStop": flag("protect_stop"),
    "SourceDestCheck": flag("source_dest_check"),
    "EbsOptimized": ebs_optimized,
    "Groups": change_groups,
    "BlockDeviceMappings": change_disks,
}


def modify_instance_attribute(call):
    instance = instance_of(call)
    others = [name for name in call.parameters if name not in ("InstanceId", "DryRun")]
    for name in others:
        if name not in CHANGE:
            raise Refused("UnsupportedOperation", f"The stand-in does not simulate the parameter {name}.")
    if not others:
        raise combination("No attributes specified.")
    if len(others) > 1:
        raise combination(f"Fields for multiple attribute types specified: {', '.join(sorted(others))}")
    value = call[others[0]]
    if isinstance(value, dict) and "Value" not in value:
        raise Refused("MissingParameter", f"The request must contain the parameter {others[0]}.Value")
    CHANGE[others[0]](call, instance, value)
    call.region.instances.touch(instance)


def modify_instance_metadata_options(call):
    instance = instance_of(call)
    names = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags")
    asked = {name: call[name] for name in names if name in call}
    if not asked:
        raise Refused("MissingParameter", "The request must contain at least one of HttpTokens, HttpEndpoint, …")
    if not 1 <= asked.get("HttpPutResponseHopLimit", 1) <= 64:
        raise invalid("Value for parameter HttpPutResponseHopLimit is invalid. Expecting 1 to 64.")
    instance.metadata = {**instance.metadata, **asked}
    instance.metadata_due = call.cloud.clock.ticks() + call.cloud.settings.modify_seconds
    call.region.instances.touch(instance)
    return {"InstanceId": instance.id, "InstanceMetadataOptions": instances.metadata_of(instance)}


OPERATIONS = {
    "DescribeInstanceAttribute": describe_instance_attribute,
    "ModifyInstanceAttribute": modify_instance_attribute,
    "ModifyInstanceMetadataOptions": modify_instance_metadata_options,
}
